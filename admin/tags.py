"""A tenant's catalog of tags."""

import re
import uuid
from dataclasses import dataclass, replace

from pynamodb.expressions.condition import Condition
from pynamodb.transactions import TransactWrite

from admin.errors import InvalidValue, TagChanged, TagNameTaken, TagNotFound
from admin.tenants import get_tenant, require_tenant
from admin.text import clean
from contacts.runtime import timestamps
from contacts.runtime.identifiers import is_id, new_id
from contacts.storage.items import TagItem, TagName
from contacts.storage.retries import ConditionFailed
from contacts.storage.table import Table

LONGEST_NAME = 50
LONGEST_DESCRIPTION = 500
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")


@dataclass(frozen=True, kw_only=True)
class Tag:
    id: str
    name: str
    description: str | None
    colour: str | None
    created_at: str
    deleted_at: str | None


def create_tag(tenant_id: str, name: str, description: str | None = None, colour: str | None = None) -> Tag:
    """The colour is written #rrggbb. Raises InvalidValue, TenantNotFound, TagNameTaken."""
    if colour and not _COLOUR.fullmatch(colour):
        raise InvalidValue(f"{colour!r} is no colour. Write it as #rrggbb, for example #2e7d32.")
    item = TagItem(
        *TagItem.key(tenant_id, new_id()),
        name=clean("tag's name", name, LONGEST_NAME),
        description=clean("description", description, LONGEST_DESCRIPTION) if description else None,
        colour=colour.lower() if colour else None,
        created_at=timestamps.now(),
    )

    def add(transaction: TransactWrite) -> None:
        require_tenant(transaction, tenant_id)
        transaction.save(item, condition=TagItem.pk.does_not_exist())
        _reserve(transaction, _name(tenant_id, item.name, item.sk))

    try:
        Table().transact(add, token=str(uuid.uuid4()))
    except ConditionFailed:
        get_tenant(tenant_id)
        raise TagNameTaken(item.name) from None
    return _tag(item)


def list_tags(tenant_id: str) -> list[Tag]:
    """All of them by name, deleted ones too. Raises TenantNotFound."""
    get_tenant(tenant_id)
    is_tag = TagItem.sk.startswith("c")  # as every id does, and no reserved name
    items = Table().query(TagItem, TagItem.catalog(tenant_id), is_tag)
    return sorted((_tag(item) for item in items), key=lambda tag: (tag.name.casefold(), tag.created_at))


def rename_tag(tenant_id: str, tag_id: str, name: str) -> Tag:
    """Frees the old name. Raises InvalidValue, TagNotFound, TagNameTaken, TagChanged."""
    item = _read(tenant_id, tag_id)
    if item.deleted_at:
        raise TagNotFound(tenant_id, tag_id)
    old = _name(tenant_id, item.name, tag_id)
    renamed = replace(_tag(item), name=clean("tag's name", name, LONGEST_NAME))
    new = _name(tenant_id, renamed.name, tag_id)

    def move(transaction: TransactWrite) -> None:
        transaction.update(item, [TagItem.name.set(renamed.name)], condition=_is_unchanged(item))
        _reserve(transaction, new)
        if new.sk != old.sk:  # when only the case changes they are one item, which a transaction may name once
            transaction.delete(old, condition=TagName.tag_id == tag_id)

    try:
        Table().transact(move, token=str(uuid.uuid4()))
    except ConditionFailed:
        holder = Table().read(TagName, (new.pk, new.sk))
        raise TagNameTaken(renamed.name) if holder and holder.tag_id != tag_id else TagChanged from None
    return renamed


def delete_tag(tenant_id: str, tag_id: str) -> Tag:
    """Frees its name, and nobody can assign it any more. The contacts that hold it keep it until they are swept.

    Deleting again changes nothing. Raises TagNotFound, TagChanged.
    """
    item = _read(tenant_id, tag_id)
    if item.deleted_at:
        return _tag(item)
    now = timestamps.now()

    def remove(transaction: TransactWrite) -> None:
        transaction.update(item, [TagItem.deleted_at.set(now)], condition=_is_unchanged(item))
        transaction.delete(_name(tenant_id, item.name, tag_id), condition=TagName.tag_id == tag_id)

    try:
        Table().transact(remove, token=str(uuid.uuid4()))
    except ConditionFailed:
        raise TagChanged from None
    return replace(_tag(item), deleted_at=now)


def _read(tenant_id: str, tag_id: str) -> TagItem:
    item = Table().read(TagItem, TagItem.key(tenant_id, tag_id)) if is_id(tenant_id) and is_id(tag_id) else None
    if item is None:
        raise TagNotFound(tenant_id, tag_id)
    return item


def _name(tenant_id: str, name: str, tag_id: str) -> TagName:
    return TagName(*TagName.key(tenant_id, name), tag_id=tag_id)


def _reserve(transaction: TransactWrite, name: TagName) -> None:
    is_free = TagName.pk.does_not_exist()
    is_its_own = TagName.tag_id == name.tag_id
    transaction.save(name, condition=is_free | is_its_own)


def _is_unchanged(item: TagItem) -> Condition:
    """Whoever renames or deletes a tag has read its name, to know which reservation goes with it."""
    is_unchanged: Condition = (TagItem.name == item.name) & TagItem.deleted_at.does_not_exist()
    return is_unchanged


def _tag(item: TagItem) -> Tag:
    return Tag(
        id=item.sk,
        name=item.name,
        description=item.description,
        colour=item.colour,
        created_at=item.created_at,
        deleted_at=item.deleted_at,
    )
