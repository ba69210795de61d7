"""Why a command was refused, named as facts. Each message says what to do next.

Refused                      exit code 1
├── TenantNotFound
├── KeyNotFound
├── KeyRevoked
├── TagNotFound
├── TagNameTaken
├── TagChanged
├── SecretNotFound
├── ApiNotFound
├── QueueNotFound
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


class KeyRevoked(Refused):
    def __init__(self, key_id: str) -> None:
        super().__init__(f"Key {key_id!r} is revoked. Make a new one with `python -m admin key create`.")


class TagNotFound(Refused):
    def __init__(self, tenant_id: str, tag_id: str) -> None:
        super().__init__(f"The tenant has no tag {tag_id!r}. `python -m admin tag list {tenant_id}` shows them all.")


class TagNameTaken(Refused):
    def __init__(self, name: str) -> None:
        super().__init__(f"The tenant already has a tag {name!r} (case does not count). Choose another name.")


class TagChanged(Refused):
    def __init__(self) -> None:
        super().__init__("Somebody else changed the tag at the same moment. Look at it and run the command again.")


class SecretNotFound(Refused):
    def __init__(self, secret: str) -> None:
        super().__init__(f"There is no secret {secret!r}. Deploy the stack, or pass its --stage.")


class ApiNotFound(Refused):
    def __init__(self, name: str, found: int) -> None:
        super().__init__(
            f"There must be one API {name!r} in this account and region, and there are {found}. "
            + ("Delete the ones that are not in use." if found else "Deploy the stack, or pass its --stage.")
        )


class QueueNotFound(Refused):
    def __init__(self, name: str) -> None:
        super().__init__(f"There is no queue {name!r}. Deploy the stack, or pass its --stage.")
