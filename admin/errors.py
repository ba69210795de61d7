"""Why a command was refused, named as facts. Each message says what to do next.

Refused                      exit code 1
├── TenantNotFound
├── KeyNotFound
├── TagNotFound
├── TagNameTaken
├── TagChanged
├── PepperNotFound
└── InvalidValue             exit code 2
"""

from typing import ClassVar


class Refused(Exception):
    exit_code: ClassVar[int] = 1


class InvalidValue(Refused):
    """A value that can never be right, whatever is in the table."""

    exit_code = 2


class TenantNotFound(Refused):
    def __init__(self, tenant_id: str) -> None:
        super().__init__(f"There is no tenant {tenant_id!r}. `python -m admin tenant list` shows them all.")


class KeyNotFound(Refused):
    def __init__(self, tenant_id: str, key_id: str) -> None:
        super().__init__(f"The tenant has no key {key_id!r}. `python -m admin key list {tenant_id}` shows them all.")


class TagNotFound(Refused):
    def __init__(self, tenant_id: str, tag_id: str) -> None:
        super().__init__(f"The tenant has no tag {tag_id!r}. `python -m admin tag list {tenant_id}` shows them all.")


class TagNameTaken(Refused):
    def __init__(self, name: str) -> None:
        super().__init__(f"The tenant already has a tag {name!r} (case does not count). Choose another name.")


class TagChanged(Refused):
    def __init__(self) -> None:
        super().__init__("Somebody else changed the tag at the same moment. Look at it and run the command again.")


class PepperNotFound(Refused):
    def __init__(self, secret: str) -> None:
        super().__init__(f"There is no secret {secret!r}. Deploy the stack, or pass its --stage.")
