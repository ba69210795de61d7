"""The kinds of functions: what one imports decides how fast it can start."""

from local import ROOT
from tests.handlers import FUNCTIONS

_KINDS = {
    "contacts.events.queue": "consumer",
    "contacts.web.bodies": "takes a body",
    "contacts.storage": "uses the table",
    "contacts.web": "needs its event alone",
}
"""By a module that the handler imports. The first that fits counts."""


def kind(function: str) -> str:
    source = (ROOT / "functions" / function / "app.py").read_text()
    return next(kind for module, kind in _KINDS.items() if module in source)


KINDS = {function: kind(function) for function in FUNCTIONS}
