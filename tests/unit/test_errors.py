"""The errors have the tree, the contract's rows and the tests that they need."""

import ast
import inspect
from collections.abc import Iterator
from functools import cache
from itertools import chain
from typing import Any

import pytest

from contacts.domain import errors
from contacts.domain.errors import AssignmentOutweighed, ContactsError
from local import ROOT
from tests import contract, refusals
from tests.events import REQUEST_ID


def draw(error: type[ContactsError], prefix: str = "", branch: str = "") -> list[str]:
    """The tree below an error as the module's docstring draws it."""
    lines = [f"{prefix}{branch}{error.__name__}".ljust(25) + str(int(error.status))]
    below = error.__subclasses__()
    prefix += {"": "", "├── ": "│   ", "└── ": "    "}[branch]
    for each in below:
        lines += draw(each, prefix, "└── " if each is below[-1] else "├── ")
    return lines


def test_the_docstring_draws_the_tree() -> None:
    drawn = [line.split() for line in inspect.getdoc(errors).splitlines()[2:]]  # type: ignore[union-attr]
    assert drawn == [line.split() for line in draw(ContactsError)]


def below(error: type[ContactsError]) -> Iterator[type[ContactsError]]:
    for each in error.__subclasses__():
        yield each
        yield from below(each)


EVERY_ERROR = pytest.mark.parametrize("error", [ContactsError, *below(ContactsError)])
OF_QUEUES = {AssignmentOutweighed}
"""Only tag commands raise them, so no request gets them as its answer."""


@EVERY_ERROR
def test_an_error_has_its_row_in_section_5_of_the_contract(error: type[ContactsError]) -> None:
    when = contract.ERRORS[contract.Error(error.status, error.code, error.type)]
    assert (f"`Retry-After: {error.retry_after_seconds}`" in when) is (error.retry_after_seconds is not None)


@EVERY_ERROR
def test_the_tests_know_the_whole_answer_of_an_error(error: type[ContactsError]) -> None:
    known = [each for each in vars(refusals).values() if isinstance(each, tuple)]
    known += [refusals.invalid("field", "details"), refusals.signature_rejected("reason")]
    needed = [each for each in inspect.signature(error).parameters.values() if each.default is each.empty]
    arguments: list[Any] = [
        20 if each.annotation is int else each.name for each in needed if each.kind is not each.VAR_KEYWORD
    ]
    raised = error(*arguments)
    body = {"message": raised.message, "type": raised.type, "code": raised.code, "error_data": raised.error_data}
    assert ((raised.status, {"error": body | {"fbtrace_id": REQUEST_ID}}) in known) is (error not in OF_QUEUES)


@pytest.mark.parametrize("error", [*below(ContactsError)])
def test_the_layer_raises_the_error_and_so_does_a_test(error: type[ContactsError]) -> None:
    """The tests reach every line of the layer: the coverage says so."""
    assert error.__name__ in raised_errors()


@cache
def raised_errors() -> set[str]:
    lines = [ast.walk(ast.parse(file.read_text())) for file in (ROOT / "layers/common/contacts").rglob("*.py")]
    raised = [each.exc for each in chain(*lines) if isinstance(each, ast.Raise)]
    return {ast.unparse(each.func if isinstance(each, ast.Call) else each) for each in raised if each}
