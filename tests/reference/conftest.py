"""The running system with its reference page."""

import pytest

from local import welcome
from local.stack import Stack


@pytest.fixture(scope="session")
def reference(stack: Stack) -> Stack:
    stack.pages.files |= welcome.build_reference(stack, welcome.add_contacts(stack))
    return stack
