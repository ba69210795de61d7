"""Why a command was refused, named as facts. Each message says what to do next.

Refused                      exit code 1
├── TenantNotFound
├── TenantNameExists
├── TenantSuspended
├── TenantBeingDeleted
├── TenantChanged
├── KeyNotFound
├── KeyRevoked
├── TagNotFound
├── TagNameTaken
├── TagChanged
├── SecretNotFound
├── SecretUnreadable
├── SecretChanged
├── VersionNotFound
├── ApiNotFound
├── FileExists
├── Interrupted
├── NothingToResume
├── QueueNotFound
├── StackExists
├── NothingToAdopt
├── StackNotAdopted
└── InvalidValue             exit code 2
"""

from collections.abc import Sequence
from typing import ClassVar


class Refused(Exception):
    exit_code: ClassVar[int] = 1


class InvalidValue(Refused):
    """A value that is wrong whatever the table contains."""

    exit_code = 2


class TenantNotFound(Refused):
    def __init__(self, tenant_id: str) -> None:
        super().__init__(f"There is no tenant {tenant_id!r}. List all tenants with `python -m admin tenant list`.")


class TenantNameExists(Refused):
    def __init__(self, name: str, tenant_id: str) -> None:
        super().__init__(
            f"There is already a tenant {name!r} ({tenant_id}). To create another one with this name, pass --another."
        )


class TenantSuspended(Refused):
    def __init__(self, tenant_id: str) -> None:
        super().__init__(
            f"Tenant {tenant_id!r} is suspended. Resume it first with `python -m admin tenant resume {tenant_id}`."
        )


class TenantBeingDeleted(Refused):
    def __init__(self, tenant_id: str) -> None:
        super().__init__(
            f"Tenant {tenant_id!r} is being deleted. Finish it with `python -m admin tenant delete {tenant_id}`."
        )


class TenantChanged(Refused):
    def __init__(self) -> None:
        super().__init__(
            "Another operator changed the tenant at the same moment. Look at `tenant show` and run the command again."
        )


class KeyNotFound(Refused):
    def __init__(self, tenant_id: str, key_id: str) -> None:
        super().__init__(
            f"The tenant has no key {key_id!r}. List its keys with `python -m admin key list {tenant_id}`."
        )


class KeyRevoked(Refused):
    def __init__(self, key_id: str) -> None:
        super().__init__(f"Key {key_id!r} is revoked. Create a new one with `python -m admin key create`.")


class TagNotFound(Refused):
    def __init__(self, tenant_id: str, tag_id: str) -> None:
        super().__init__(
            f"The tenant has no tag {tag_id!r}. List its tags with `python -m admin tag list {tenant_id}`."
        )


class TagNameTaken(Refused):
    def __init__(self, name: str, holder_name: str, holder_id: str) -> None:
        super().__init__(
            f"{name!r} is the same name as that of tag {holder_name!r} ({holder_id}): case, spaces and invisible "
            "characters make no difference. Choose another name."
        )


class TagChanged(Refused):
    def __init__(self) -> None:
        super().__init__(
            "Another operator changed the tag at the same moment. Look at `tag list` and run the command again."
        )


class SecretNotFound(Refused):
    def __init__(self, secret: str) -> None:
        super().__init__(f"There is no secret {secret!r}. Deploy the stack, or choose another --stage.")


class SecretUnreadable(Refused):
    def __init__(self, secret: str) -> None:
        super().__init__(
            f"The value of secret {secret!r} is neither plain text nor the JSON object that `secret rotate` writes. "
            "Restore its previous version in Secrets Manager."
        )


class SecretChanged(Refused):
    def __init__(self, secret: str) -> None:
        super().__init__(
            f"Another operator rotated secret {secret!r} at the same moment. If you need one more version, "
            "run the command again."
        )


class VersionNotFound(Refused):
    def __init__(self, secret: str, number: int, known: Sequence[int]) -> None:
        super().__init__(
            f"Secret {secret!r} has no version {number}. Its versions are {', '.join(map(str, known))}. "
            "Restore the missing one from the secret's previous value in Secrets Manager."
        )


class ApiNotFound(Refused):
    def __init__(self, name: str, found: int) -> None:
        super().__init__(
            f"This account and region must have exactly one API named {name!r}, but have {found}. "
            + ("Delete those that are not in use." if found else "Deploy the stack, or choose another --stage.")
        )


class FileExists(Refused):
    def __init__(self, file: str) -> None:
        super().__init__(f"The file {file!r} exists. Pass --resume to go on with it, or choose another name.")


class Interrupted(Refused):
    """A long command that another run can finish."""


class NothingToResume(Refused):
    def __init__(self) -> None:
        super().__init__("This machine knows no interrupted run on this table. Run the command without --resume.")


class QueueNotFound(Refused):
    def __init__(self, name: str) -> None:
        super().__init__(f"There is no queue {name!r}. Deploy the stack, or choose another --stage.")


class StackExists(Refused):
    def __init__(self, name: str) -> None:
        super().__init__(
            f"The stack {name!r} exists. Only a new stack can adopt resources: update it with `sam deploy`."
        )


class NothingToAdopt(Refused):
    def __init__(self, name: str) -> None:
        super().__init__(
            f"Nothing is left of a stack {name!r} in this account and region. Create it with `sam deploy`."
        )


class StackNotAdopted(Refused):
    def __init__(self, name: str) -> None:
        super().__init__(
            f"CloudFormation imported nothing, and the resources are as they were. See the events of stack {name!r} "
            "for the reason. Delete the stack, which is empty, and run the command again."
        )
