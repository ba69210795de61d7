"""The tables of docs/contract.md."""

import re
from typing import NamedTuple

from local import ROOT

_TEXT = (ROOT / "docs" / "contract.md").read_text()
_ENDPOINT = re.compile(r"^\| `([A-Z]+ /[^`?]+)[^`]*` \| ([^|]+) \| (.+) \|$", re.MULTILINE)
_ERROR = re.compile(r"^\| (\d{3}) \| (\d+) \| (\w+) \| (.+) \|$", re.MULTILINE)


class Endpoint(NamedTuple):
    scope: str
    successes: list[int]
    """Its 2xx statuses in the table's order."""


class Error(NamedTuple):
    status: int
    code: int
    type: str


ENDPOINTS = {
    route: Endpoint(
        "any" if scope == "any valid key" else scope, [int(each) for each in re.findall(r"\b2\d\d\b", rest)]
    )
    for route, scope, rest in _ENDPOINT.findall(_TEXT)
}
"""Section 3, by route."""

ERRORS = {Error(int(status), int(code), type_): when for status, code, type_, when in _ERROR.findall(_TEXT)}
"""Section 5, with its column `when`."""
