"""The contacts of one tenant. Every write carries its condition, never read-then-write; docs/decisions.md says why."""

import time
import uuid
from typing import NamedTuple

from pynamodb.expressions.condition import size
from pynamodb.transactions import TransactWrite

from contacts import timestamps
from contacts.errors import ContactNotFound, DatabaseUnavailable, TagLimitReached, TagNotFound
from contacts.identifiers import is_id, new_id
from contacts.resources import Contact, ContactWithTags, Source, TagAssignment
from contacts.tables import (
    PATIENCE_SECONDS,
    ConditionFailed,
    ContactItem,
    ContactPointer,
    Key,
    TagItem,
    batch_read,
    transact,
    update,
)

TAG_LIMIT = 20

_MOST_KNOWN_PHONES = 10_000
_known_phones: dict[Key, str] = {}
"""Pointers that this process has read: they never change, and whatever follows checks the contact's id."""


class Assigned(NamedTuple):
    assignment: TagAssignment
    is_new: bool
    remaining: int
    """How many more tags the contact can take."""


class ContactRepository:
    """Builds every key from its tenant: no method takes a tenant or a key, so no request can reach another's."""

    def __init__(self, tenant_id: str) -> None:
        self._tenant_id = tenant_id

    def get_by_phone(self, phone: str) -> ContactWithTags:
        """Takes a normalized phone. Raises ContactNotFound."""
        item = ContactItem.read(ContactItem.key(self._tenant_id, phone))
        if item is None:
            raise ContactNotFound
        return item.contact_with_tags()

    def get(self, contact_id: str) -> ContactWithTags:
        """Raises ContactNotFound."""
        return self._read(contact_id).contact_with_tags()

    def upsert(self, phone: str, display_name: str | None) -> tuple[Contact, bool]:
        """The contact and whether this call made it. An existing one keeps its name when none is given."""
        give_up_at = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < give_up_at:
            try:
                return self._refresh(phone, display_name), False
            except ConditionFailed:
                pass  # there is none yet
            try:
                return self._create(phone, display_name), True
            except ConditionFailed:
                pass  # somebody else was faster: refresh theirs
        raise DatabaseUnavailable

    def update(self, contact_id: str, changes: dict[str, str | None]) -> Contact:
        """Sets the named fields, None clears one; without any it only reads. Raises ContactNotFound."""
        if not changes:
            return self._read(contact_id).contact()
        item = self._item(contact_id)
        name = changes["display_name"]
        named = ContactItem.display_name.remove() if name is None else ContactItem.display_name.set(name)
        is_this_contact = ContactItem.id == contact_id
        try:
            return update(item, [named, ContactItem.updated_at.set(timestamps.now())], is_this_contact).contact()
        except ConditionFailed:
            raise ContactNotFound from None

    def delete(self, contact_id: str) -> None:
        """Its tags go with it: they are in the same item. Raises ContactNotFound."""
        item = self._item(contact_id)
        pointer = ContactPointer(*ContactPointer.key(self._tenant_id, contact_id))
        is_this_contact = ContactItem.id == contact_id

        def remove(transaction: TransactWrite) -> None:
            transaction.delete(item, condition=is_this_contact)
            transaction.delete(pointer)

        try:
            transact(remove, token=str(uuid.uuid4()))
        except ConditionFailed:
            raise ContactNotFound from None

    def assign_tag(self, contact_id: str, tag_id: str, source: Source, reason: str | None) -> Assigned:
        """Raises ContactNotFound, TagNotFound, TagLimitReached."""
        item = self._item_when_tag_exists(contact_id, tag_id)
        call, now = str(uuid.uuid4()), timestamps.now()
        tag, origin = ContactItem.tags[tag_id], ContactItem.tag_origins[tag_id]
        is_this_contact = ContactItem.id == contact_id
        is_new = tag.does_not_exist()
        has_room = size(ContactItem.tags) < TAG_LIMIT
        gives_way = tag["weight"] <= source.weight
        assignment = {"source": source.value, "weight": source.weight, "updated_at": now}
        if reason is not None:
            assignment["reason"] = reason
        try:
            updated = update(
                item,
                # The first writer's origin stays, so it tells who made the assignment, also when a request that
                # did land is sent again because its reply was lost.
                [tag.set(assignment), origin.set(origin | {"created_at": now, "written_by": call})],
                is_this_contact & ((is_new & has_room) | gives_way),
            )
        except ConditionFailed as failure:
            if failure.old_item is None or failure.old_item["id"]["S"] != contact_id:
                raise ContactNotFound from None
            raise TagLimitReached(TAG_LIMIT) from None
        return Assigned(
            updated.assignment(tag_id),
            is_new=updated.tag_origins.as_dict()[tag_id]["written_by"] == call,
            remaining=TAG_LIMIT - len(updated.tags.as_dict()),
        )

    def remove_tag(self, contact_id: str, tag_id: str) -> None:
        """Whatever is missing, the pair is gone afterwards."""
        if not is_id(tag_id):
            return
        try:
            update(
                self._item(contact_id),
                [ContactItem.tags[tag_id].remove(), ContactItem.tag_origins[tag_id].remove()],
                ContactItem.id == contact_id,
            )
        except (ContactNotFound, ConditionFailed):
            return

    def _refresh(self, phone: str, display_name: str | None) -> Contact:
        now = timestamps.now()
        actions = [ContactItem.last_seen_at.set(now), ContactItem.updated_at.set(now)]
        if display_name is not None:
            actions.append(ContactItem.display_name.set(display_name))
        item = ContactItem(*ContactItem.key(self._tenant_id, phone))
        return update(item, actions, ContactItem.pk.exists()).contact()

    def _create(self, phone: str, display_name: str | None) -> Contact:
        now = timestamps.now()
        item = ContactItem(
            *ContactItem.key(self._tenant_id, phone),
            id=new_id(),
            display_name=display_name,
            first_seen_at=now,
            last_seen_at=now,
            created_at=now,
            updated_at=now,
        )
        pointer = ContactPointer(*ContactPointer.key(self._tenant_id, item.id), phone=phone)

        def add(transaction: TransactWrite) -> None:
            transaction.save(item, condition=ContactItem.pk.does_not_exist())
            transaction.save(pointer, condition=ContactPointer.pk.does_not_exist())

        transact(add, token=str(uuid.uuid4()))
        return item.contact()

    def _read(self, contact_id: str) -> ContactItem:
        item = ContactItem.read(self._key(contact_id))
        if item is None or item.id != contact_id:
            raise ContactNotFound
        return item

    def _item(self, contact_id: str) -> ContactItem:
        """The contact's key alone, as an item to write to."""
        return ContactItem(*self._key(contact_id))

    def _key(self, contact_id: str) -> Key:
        """Raises ContactNotFound; makes no request for what has no id's shape, nor for a pointer read before."""
        if not is_id(contact_id):
            raise ContactNotFound
        key = ContactPointer.key(self._tenant_id, contact_id)
        phone = _known_phones.get(key)
        if phone is None:
            pointer = ContactPointer.read(key)
            if pointer is None:
                raise ContactNotFound
            phone = _remember(key, pointer.phone)
        return ContactItem.key(self._tenant_id, phone)

    def _item_when_tag_exists(self, contact_id: str, tag_id: str) -> ContactItem:
        """One request for both, the pointer and the tag. Raises ContactNotFound, TagNotFound."""
        if not is_id(contact_id):
            raise ContactNotFound
        pointer_key = ContactPointer.key(self._tenant_id, contact_id)
        tag_key = TagItem.key(self._tenant_id, tag_id)
        phone = _known_phones.get(pointer_key)
        found = batch_read([tag_key] if phone else [pointer_key, tag_key])
        if phone is None:
            if pointer_key not in found:
                raise ContactNotFound
            phone = _remember(pointer_key, found[pointer_key]["phone"]["S"])
        if tag_key not in found or "deleted_at" in found[tag_key]:
            raise TagNotFound
        return ContactItem(*ContactItem.key(self._tenant_id, phone))


def _remember(key: Key, phone: str) -> str:
    if len(_known_phones) >= _MOST_KNOWN_PHONES:
        _known_phones.clear()
    _known_phones[key] = phone
    return phone
