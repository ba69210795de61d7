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
    landings: int = 0
    """How often, 3 at most, it may have been done already before it was done as it was answered."""


type Step[State, Call, Answer] = Callable[[State, Call, Answer | None], list[State]]
"""The states that the call may lead to with this answer; none when it cannot be answered so in this state."""


def is_linearizable[State: Hashable, Call, Answer](
    history: list[Event[Call, Answer]], first: State, step: Step[State, Call, Answer]
) -> bool:
    """Looks for such an order, depth first, and never twice at the same rest of the history in the same state."""
    seen = set[tuple[int, int, State]]()
    answered = sum(1 << number for number, event in enumerate(history) if event.answer is not None)

    def search(rest: int, landed: int, state: State) -> bool:
        """`rest` has a bit for each call that is not in the order yet; `landed` has two, which count its landings."""
        if not rest & answered:
            return True
        if (rest, landed, state) in seen:
            return False
        seen.add((rest, landed, state))
        return any(search(*move) for move in moves(rest, landed, state))

    def moves(rest: int, landed: int, state: State) -> Iterator[tuple[int, int, State]]:
        waiting = [number for number in range(len(history)) if rest >> number & 1]
        first_end = min(history[number].end for number in waiting)
        for number in waiting:
            event = history[number]
            if event.start > first_end:
                continue
            for following in step(state, event.call, event.answer):
                yield rest & ~(1 << number), landed & ~(3 << 2 * number), following
            if landed >> 2 * number & 3 < event.landings:
                for following in step(state, event.call, None):
                    yield rest, landed + (1 << 2 * number), following

    return search((1 << len(history)) - 1, 0, first)
