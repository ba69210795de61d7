"""Wing and Gong's check: does an order of the calls explain all answers, with each call between its start and end?

J. M. Wing, C. Gong: Testing and Verifying Concurrent Objects, 1993.
"""

from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Event[Call, Answer]:
    """One call. Its answer is None if the call may have had no effect, or may still have one."""

    call: Call
    answer: Answer | None
    start: float
    end: float
    may_land_again: bool = False
    """Whether a request may have been executed several times, and the answer is that of the last time."""


type Step[State, Call, Answer] = Callable[[State, Call, Answer | None], list[State]]
"""The states that the call can lead to with this answer. Empty if this state does not allow the answer."""


def is_linearizable[State: Hashable, Call, Answer](
    history: list[Event[Call, Answer]], first: State, step: Step[State, Call, Answer]
) -> bool:
    """Searches depth first. Visits each pair of remaining calls and state once."""
    history = sorted(history, key=lambda event: event.end)  # the most likely order comes first
    answered = sum(1 << number for number, event in enumerate(history) if event.answer is not None)

    def moves(rest: int, state: State) -> Iterator[tuple[int, State]]:
        """`rest` has one bit for each call without a place in the order."""
        waiting = [number for number in range(len(history)) if rest >> number & 1]
        first_end = history[waiting[0]].end
        may_be_next = [(number, history[number]) for number in waiting if history[number].start <= first_end]
        for number, event in may_be_next:
            is_done_with = event.answer is not None or not event.may_land_again
            for following in step(state, event.call, event.answer):
                yield rest & ~(is_done_with << number), following
        for _, event in may_be_next:
            if event.may_land_again:
                yield from ((rest, following) for following in step(state, event.call, None))

    seen = set[tuple[int, State]]()
    to_try = [((1 << len(history)) - 1, first)]
    while to_try:
        rest, state = to_try.pop()
        if not rest & answered:
            return True
        if (rest, state) not in seen:
            seen.add((rest, state))
            to_try += reversed([*moves(rest, state)])
    return False
