"""What administrators did, when, and with which AWS identity. Entries outlive their tenant and hold ids only."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from pynamodb.attributes import UnicodeAttribute
from pynamodb.transactions import TransactWrite

from admin import aws
from admin.database import table
from contacts.runtime import timestamps
from contacts.runtime.identifiers import is_id
from contacts.storage.table import Key, TableItem


class AuditEntry(TableItem):
    action = UnicodeAttribute()
    subject = UnicodeAttribute(null=True)
    """The id of a key or tag, if the action is not about the tenant as a whole."""
    identity = UnicodeAttribute()
    """An ARN."""

    @staticmethod
    def entries_of(tenant_id: str) -> str:
        return f"AUDIT#{tenant_id}"

    @staticmethod
    def key(tenant_id: str, moment: str, nonce: str) -> Key:
        """In the order of time. The nonce tells actions of one moment apart."""
        return AuditEntry.entries_of(tenant_id), f"{moment}#{nonce}"


@dataclass(frozen=True, kw_only=True)
class Entry:
    done_at: str
    action: str
    """For example key.created, tag.deleted or tenant.suspended."""
    subject: str | None
    identity: str


def audited(tenant_id: str, action: str, subject: str | None = None) -> Callable[[TransactWrite], None]:
    """Adds an entry to the transaction of the action: both are written, or neither."""
    entry = AuditEntry(
        *AuditEntry.key(tenant_id, timestamps.now(), secrets.token_urlsafe(6)),
        action=action,
        subject=subject,
        identity=_identity(),
    )
    return lambda transaction: transaction.save(entry, condition=AuditEntry.pk.does_not_exist())


def list_entries(tenant_id: str) -> list[Entry]:
    """Oldest first. Empty if `tenant_id` is malformed."""
    found = table.query(AuditEntry, AuditEntry.entries_of(tenant_id)) if is_id(tenant_id) else []
    return [
        Entry(done_at=each.sk.partition("#")[0], action=each.action, subject=each.subject, identity=each.identity)
        for each in found
    ]


@cache
def _identity() -> str:
    """Asks AWS once a command."""
    return str(aws.client("sts").get_caller_identity()["Arn"])
