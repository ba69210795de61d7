"""The contacts of one tenant. Every write carries its condition, never read-then-write; docs/decisions.md says why."""

import uuid
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from pynamodb.attributes import UnicodeAttribute
from pynamodb.expressions.condition import Condition, size
from pynamodb.transactions import TransactWrite

from contacts import timestamps
from contacts.errors import AssignmentOutweighed, ContactNotFound, DatabaseUnavailable, TagLimitReached, TagNotFound
from contacts.identifiers import is_id, new_id
from contacts.resources import Contact, ContactWithTags, Source, TagAssignment
from contacts.tables import (
    ConditionFailed,
    ContactItem,
    ContactPointer,
    Key,
    TagItem,
    batch_read,
    transact,
    tries,
    update,
)

TAG_LIMIT = 20

COOLDOWN = timedelta(seconds=60)

_MOST_REMEMBERED = 10_000
_known_phones: dict[Key, str] = {}
"""Pointers that this process has read: they never change, and whatever follows checks the contact's id."""

_recent_messages: dict[Key, str] = {}
"""`last_inbound_at` of contacts as this process last knew it: within the cooldown of that no request is made."""


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
        for _ in tries():
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

    def assign_tag(
        self,
        contact_id: str,
        tag_id: str,
        source: Source,
        reason: str | None,
        *,
        at: str | None = None,
        fresh_catalog: bool = True,
    ) -> Assigned:
        """At the given time, else now. Raises ContactNotFound, TagNotFound, TagLimitReached, AssignmentOutweighed.

        Without `fresh_catalog` a tag that was deleted a second ago may still be assigned, at half the price.
        """
        item = self._item_when_tag_exists(contact_id, tag_id, consistent=fresh_catalog)
        call, now = str(uuid.uuid4()), at or timestamps.now()
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
            found = _same_contact(failure.old_item, contact_id)
            if tag_id in found.tags.as_dict():
                raise AssignmentOutweighed from None
            raise TagLimitReached(TAG_LIMIT) from None
        return Assigned(
            updated.assignment(tag_id),
            is_new=updated.tag_origins.as_dict()[tag_id]["written_by"] == call,
            remaining=TAG_LIMIT - len(updated.tags.as_dict()),
        )

    def remove_tag(self, contact_id: str, tag_id: str, source: Source) -> None:
        """Takes away what is there. Raises ContactNotFound, AssignmentOutweighed."""
        if not is_id(tag_id):
            return
        tag, origin = ContactItem.tags[tag_id], ContactItem.tag_origins[tag_id]
        is_this_contact = ContactItem.id == contact_id
        is_gone = tag.does_not_exist()
        gives_way = tag["weight"] <= source.weight
        try:
            update(self._item(contact_id), [tag.remove(), origin.remove()], is_this_contact & (is_gone | gives_way))
        except ConditionFailed as failure:
            _same_contact(failure.old_item, contact_id)
            raise AssignmentOutweighed from None

    def record_inbound_message(self, phone: str, display_name: str | None, received_at: str) -> bool:
        """Whether anything was written: not within the cooldown after the contact's last inbound message.

        Messages may come in any order and more than once: what a message changes is worked out from the contact as it
        was read, and written only if nobody changed that meanwhile.
        """
        key = ContactItem.key(self._tenant_id, phone)
        last = _recent_messages.get(key)
        if last and _is_cooling_down(last, received_at):
            return False
        consistent = False
        for _ in tries():
            item = ContactItem.read(key, consistent=consistent)
            consistent = True
            try:
                is_written, last_inbound_at = self._record_message(item, phone, display_name, received_at)
            except ConditionFailed:
                continue  # somebody was faster, or the read was stale: look again
            _remember(_recent_messages, key, last_inbound_at)
            return is_written
        raise DatabaseUnavailable

    def _record_message(
        self, item: ContactItem | None, phone: str, display_name: str | None, received_at: str
    ) -> tuple[bool, str]:
        """Whether anything was written, and the contact's `last_inbound_at` as it is now."""
        now = timestamps.now()
        if item is None:
            self._create(phone, display_name, seen_at=received_at, last_inbound_at=received_at)
            return True, received_at
        last = item.last_inbound_at
        if last and _is_cooling_down(last, received_at):
            return False, last
        as_it_was_read = (
            _unchanged(ContactItem.last_inbound_at, last)
            & _unchanged(ContactItem.last_seen_at, item.last_seen_at)
            & _unchanged(ContactItem.display_name, item.display_name)
        )
        visible = []
        if received_at > item.last_seen_at:
            visible.append(ContactItem.last_seen_at.set(received_at))
        if display_name is not None and not item.display_name:
            visible.append(ContactItem.display_name.set(display_name))
        if visible:
            visible.append(ContactItem.updated_at.set(now))
        is_latest = not last or received_at > last
        actions = [*visible, ContactItem.last_inbound_at.set(received_at)] if is_latest else visible
        if actions:
            update(ContactItem(*ContactItem.key(self._tenant_id, phone)), actions, as_it_was_read)
        return bool(actions), max(last or "", received_at)

    def _refresh(self, phone: str, display_name: str | None) -> Contact:
        now = timestamps.now()
        actions = [ContactItem.last_seen_at.set(now), ContactItem.updated_at.set(now)]
        if display_name is not None:
            actions.append(ContactItem.display_name.set(display_name))
        item = ContactItem(*ContactItem.key(self._tenant_id, phone))
        return update(item, actions, ContactItem.pk.exists()).contact()

    def _create(
        self, phone: str, display_name: str | None, *, seen_at: str | None = None, last_inbound_at: str | None = None
    ) -> Contact:
        now = timestamps.now()
        seen_at = seen_at or now
        item = ContactItem(
            *ContactItem.key(self._tenant_id, phone),
            id=new_id(),
            display_name=display_name,
            first_seen_at=seen_at,
            last_seen_at=seen_at,
            last_inbound_at=last_inbound_at,
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
            phone = _remember(_known_phones, key, pointer.phone)
        return ContactItem.key(self._tenant_id, phone)

    def _item_when_tag_exists(self, contact_id: str, tag_id: str, *, consistent: bool) -> ContactItem:
        """One request for both, the pointer and the tag. Raises ContactNotFound, TagNotFound."""
        if not is_id(contact_id):
            raise ContactNotFound
        pointer_key = ContactPointer.key(self._tenant_id, contact_id)
        tag_key = TagItem.key(self._tenant_id, tag_id)
        phone = _known_phones.get(pointer_key)
        wanted = [tag_key] if phone else [pointer_key, tag_key]
        found = batch_read(wanted, consistent=consistent)
        if len(found) < len(wanted) and not consistent:
            found = batch_read(wanted, consistent=True)  # it may have been made a second ago
        if phone is None:
            if pointer_key not in found:
                raise ContactNotFound
            phone = _remember(_known_phones, pointer_key, found[pointer_key]["phone"]["S"])
        if tag_key not in found or "deleted_at" in found[tag_key]:
            # Of both missing it is the contact that is named, also by a process that only remembers its pointer.
            if pointer_key not in found and not batch_read([pointer_key]):
                raise ContactNotFound
            raise TagNotFound
        return ContactItem(*ContactItem.key(self._tenant_id, phone))


def _same_contact(item: dict[str, Any] | None, contact_id: str) -> ContactItem:
    """What a condition failed on. Raises ContactNotFound when that is another contact, or none."""
    if item is None or item["id"]["S"] != contact_id:
        raise ContactNotFound
    return ContactItem.from_raw_data(item)


def _unchanged(attribute: UnicodeAttribute, value: str | None) -> Condition:
    return attribute.does_not_exist() if value is None else attribute == value


def _is_cooling_down(last: str, received_at: str) -> bool:
    """Compares messages with messages, never with the clock: a backlog is not a burst."""
    return abs(datetime.fromisoformat(received_at) - datetime.fromisoformat(last)) < COOLDOWN


def _remember(memory: dict[Key, str], key: Key, value: str) -> str:
    if len(memory) >= _MOST_REMEMBERED:
        memory.clear()
    memory[key] = value
    return value
