"""Wing and Gong's check: is there an order of the calls, each between its start and its end, that explains all answers?

J. M. Wing, C. Gong: Testing and Verifying Concurrent Objects, 1993.
"""

from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Event[Call, Answer]:
    """One call and its answer; None is one that leaves open whether anything was done, however late."""

    call: Call
    answer: Answer | None
    start: float
    end: float
    may_land_again: bool = False
    """Whether it may have been done already, however often, before it was done as it was answered."""


type Step[State, Call, Answer] = Callable[[State, Call, Answer | None], list[State]]
"""The states that the call may lead to with this answer; none when it cannot be answered so in this state."""


def is_linearizable[State: Hashable, Call, Answer](
    history: list[Event[Call, Answer]], first: State, step: Step[State, Call, Answer]
) -> bool:
    """Looks for such an order, depth first, and never twice at the same rest of the history in the same state."""
    history = sorted(history, key=lambda event: event.end)  # the likeliest order is tried first
    answered = sum(1 << number for number, event in enumerate(history) if event.answer is not None)

    def moves(rest: int, state: State) -> Iterator[tuple[int, State]]:
        """`rest` has a bit for each call that is not in the order yet."""
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
