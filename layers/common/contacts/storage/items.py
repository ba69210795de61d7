"""The kinds of items in the table, and their keys. docs/architecture.md lists them."""

from typing import Any, ClassVar

from pynamodb.attributes import BooleanAttribute, ListAttribute, MapAttribute, NumberAttribute, UnicodeAttribute

from contacts.domain.contact import Contact, ContactWithTags, TagAssignment
from contacts.storage.table import Key, TableItem

_ID_CHARACTERS = "0123456789abcdefghijklmnopqrstuvwxyz"


class ContactItem(TableItem):
    id = UnicodeAttribute()
    display_name = UnicodeAttribute(null=True)
    first_seen_at = UnicodeAttribute()
    last_seen_at = UnicodeAttribute()
    last_inbound_at = UnicodeAttribute(null=True)
    created_at = UnicodeAttribute()
    updated_at = UnicodeAttribute()
    changed_by = UnicodeAttribute(null=True)
    """The source of the last write, or INBOUND. Absent on items that were written before this attribute existed."""
    tags: MapAttribute[str, Any] = MapAttribute()
    """tag id → source, weight, reason, updated_at"""
    tag_origins: MapAttribute[str, Any] = MapAttribute()
    """tag id → created_at, written_by. Apart from `tags`, because a nested if_not_exists() needs an existing parent."""

    @staticmethod
    def key(tenant_id: str, phone: str) -> Key:
        return f"{tenant_id}#{phone}", "CONTACT"

    def contact(self) -> Contact:
        return Contact(**self._fields())

    def contact_with_tags(self) -> ContactWithTags:
        # The stream of DynamoDB Local gives an empty map without its type, and pynamodb then no map at all.
        assignments = map(self.assignment, self.tags or ())
        return ContactWithTags(
            **self._fields(),
            tag_assignments=tuple(sorted(assignments, key=lambda each: (each.created_at, each.tag_id))),
        )

    def assignment(self, tag_id: str) -> TagAssignment:
        tag, origin = self.tags[tag_id], self.tag_origins[tag_id]
        return TagAssignment(
            contact_id=self.id,
            tag_id=tag_id,
            source=tag["source"],
            reason=tag.get("reason"),
            created_at=origin["created_at"],
            updated_at=tag["updated_at"],
        )

    def _fields(self) -> dict[str, Any]:
        tenant_id, phone = self.pk.split("#")
        return {
            "id": self.id,
            "tenant_id": tenant_id,
            "phone": phone,
            "display_name": self.display_name,
            "first_seen_at": self.first_seen_at,
            "last_seen_at": self.last_seen_at,
            "created_at": self.created_at,
            "updated_at": self.updated_at,
        }


class ContactPointer(TableItem):
    """Contact id → phone. Written once, and read strongly consistent, which a secondary index cannot be.

    The pointers are also the index by which contacts are listed: shard after shard they are in the order of the ids.
    """

    SHARDS: ClassVar = range(12)

    phone = UnicodeAttribute()

    @staticmethod
    def shard_of(contact_id: str) -> int:
        """By the second character of the id, so that a tenant's writes spread over twelve partitions."""
        return _ID_CHARACTERS.index(contact_id[1]) // 3

    @staticmethod
    def cursor_before(shard: int) -> str:
        """Follows the ids of all shards below this one and precedes all of its own."""
        return f"c{_ID_CHARACTERS[3 * shard]}"

    @staticmethod
    def shard(tenant_id: str, number: int) -> str:
        return f"{tenant_id}#IDS#{number}"

    @staticmethod
    def key(tenant_id: str, contact_id: str) -> Key:
        """Takes ids only: other text has no shard."""
        return ContactPointer.shard(tenant_id, ContactPointer.shard_of(contact_id)), contact_id


class TagItem(TableItem):
    name = UnicodeAttribute()
    description = UnicodeAttribute(null=True)
    colour = UnicodeAttribute(null=True)
    created_at = UnicodeAttribute()
    deleted_at = UnicodeAttribute(null=True)

    @staticmethod
    def catalog(tenant_id: str) -> str:
        return f"{tenant_id}#TAGS"

    @staticmethod
    def key(tenant_id: str, tag_id: str) -> Key:
        return TagItem.catalog(tenant_id), tag_id


class TagName(TableItem):
    """Reserves a tag name, so that names are unique within a tenant."""

    tag_id = UnicodeAttribute()

    @staticmethod
    def key(tenant_id: str, folded_name: str) -> Key:
        """Takes the name as tags.fold() returns it."""
        return TagItem.catalog(tenant_id), f"NAME#{folded_name}"


class ApiKeyItem(TableItem):
    """What the authorizer reads. The expiry is not called `expires_at`: the table's TTL would delete the item."""

    tenant_id = UnicodeAttribute()
    key_id = UnicodeAttribute()
    name = UnicodeAttribute()
    prefix = UnicodeAttribute()
    scopes: ListAttribute[str] = ListAttribute()
    status = UnicodeAttribute()
    """ACTIVE, SUSPENDED with its tenant, or REVOKED. The authorizer accepts ACTIVE only."""
    created_at = UnicodeAttribute()
    valid_until = UnicodeAttribute(null=True)
    last_used_at = UnicodeAttribute(null=True)
    rate_limit = NumberAttribute(null=True)
    """Requests per second, if the key has a limit of its own."""
    require_signature = BooleanAttribute(default=False)
    pepper_version = NumberAttribute(null=True)
    """The version of the pepper that its hash is made with. Absent means 1."""
    signing_version = NumberAttribute(null=True)
    """The version of the signing root that its signing secret is derived from. Absent means 1."""
    ip_allowlist: ListAttribute[str] = ListAttribute(default=list)

    @staticmethod
    def key(key_hash: str) -> Key:
        return f"KEY#{key_hash}", "KEY"


class TenantApiKey(TableItem):
    """Lists the keys of a tenant. The attributes of a key are in its ApiKeyItem."""

    key_hash = UnicodeAttribute()

    @staticmethod
    def keys_of(tenant_id: str) -> str:
        return f"{tenant_id}#KEYS"

    @staticmethod
    def key(tenant_id: str, key_id: str) -> Key:
        return TenantApiKey.keys_of(tenant_id), key_id


class TenantItem(TableItem):
    name = UnicodeAttribute()
    created_at = UnicodeAttribute()
    suspended_at = UnicodeAttribute(null=True)
    deletion_began_at = UnicodeAttribute(null=True)

    @staticmethod
    def key(tenant_id: str) -> Key:
        return "TENANTS", tenant_id


class ChangeLogEntry(TableItem):
    """Some changes of a tenant's contacts, contract section 9. Holds ids only. Positions have no holes."""

    changes: ListAttribute[str] = ListAttribute()
    """One text for each change, see storage/changes.py."""
    written_by = UnicodeAttribute()
    """The append that wrote it, so that a write that is sent again after a lost reply recognises itself."""
    expires_at = NumberAttribute(null=True)
    """Unix seconds; the table's TTL. Absent while the entry is the last one."""

    @staticmethod
    def log(tenant_id: str) -> str:
        return f"{tenant_id}#CHANGES"

    @staticmethod
    def key(tenant_id: str, position: int) -> Key:
        return ChangeLogEntry.log(tenant_id), f"{position:016}"


class IdempotencyRecord(TableItem):
    status = UnicodeAttribute()
    expires_at = NumberAttribute()
    """Unix seconds; the table's TTL."""
    in_progress_until = NumberAttribute()
    """Unix milliseconds."""
    fingerprint = UnicodeAttribute()
    owner = UnicodeAttribute()
    """The invocation that holds or held the lock."""
    answer = UnicodeAttribute(null=True)

    @staticmethod
    def key(key_id: str, digest: str) -> Key:
        """The first characters of the digest spread the records of a busy API key over many partitions."""
        return f"{digest[:2]}#{key_id}#IDEMPOTENCY", digest
