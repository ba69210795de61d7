"""Wing and Gong's check: is there an order of the calls, each between its start and its end, that explains all answers?

J. M. Wing, C. Gong: Testing and Verifying Concurrent Objects, 1993.
"""

from collections.abc import Callable, Hashable
from dataclasses import dataclass


@dataclass(frozen=True)
class Event[Call, Answer]:
    """One call and its answer; None is an answer that leaves open whether anything was done."""

    call: Call
    answer: Answer | None
    start: float
    end: float


type Step[State, Call, Answer] = Callable[[State, Call, Answer | None], list[State]]
"""The states that the call may lead to with this answer; none when it cannot be answered so in this state."""


def is_linearizable[State: Hashable, Call, Answer](
    history: list[Event[Call, Answer]], first: State, step: Step[State, Call, Answer]
) -> bool:
    """Looks for such an order, depth first, and never twice at the same rest of the history in the same state."""
    seen = set[tuple[int, State]]()

    def search(rest: int, state: State) -> bool:
        if not rest:
            return True
        if (rest, state) in seen:
            return False
        seen.add((rest, state))
        waiting = [number for number in range(len(history)) if rest >> number & 1]
        first_end = min(history[number].end for number in waiting)
        return any(
            search(rest & ~(1 << number), following)
            for number in waiting
            if history[number].start <= first_end
            for following in step(state, history[number].call, history[number].answer)
        )

    return search((1 << len(history)) - 1, first)
