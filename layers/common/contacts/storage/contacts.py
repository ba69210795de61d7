"""The contacts of one tenant. Every write has a condition, see decisions 0001 and 0002."""

import secrets
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from functools import reduce
from itertools import chain
from math import ceil
from operator import and_
from typing import Any, NamedTuple, TypeGuard

from pynamodb.attributes import UnicodeAttribute
from pynamodb.expressions.condition import Condition, size
from pynamodb.expressions.update import Action
from pynamodb.transactions import TransactWrite

from contacts.domain.contact import TAG_LIMIT, Contact, ContactWithTags, TagAssignment
from contacts.domain.errors import (
    AssignmentOutweighed,
    ContactNotFound,
    DatabaseUnavailable,
    TagLimitReached,
    TagNotFound,
)
from contacts.domain.source import HIGHEST_WEIGHT, INBOUND, Source
from contacts.runtime import timestamps
from contacts.runtime.identifiers import is_id, new_id
from contacts.runtime.threads import side_by_side
from contacts.storage.items import ContactItem, ContactPointer, TagItem
from contacts.storage.retries import ConditionFailed
from contacts.storage.table import Key, Table

COOLDOWN = timedelta(seconds=60)
"""After an inbound message of a contact, others within this time write nothing."""

_SECONDS_TO_READ_CONTACTS = 6
"""A page ends when only this time is left: one operation with its retries."""

_MOST_REMEMBERED = 10_000
_known_phones: dict[Key, str] = {}
"""The pointers that this process has read. They never change, and every operation that follows checks the id."""

_recent_messages: dict[Key, str] = {}
"""`last_inbound_at` of contacts, cached so that messages within the cooldown cost no request."""


class TagWish(NamedTuple):
    tag_id: str
    reason: str | None


class Upserted(NamedTuple):
    contact: Contact
    is_new: bool


class Page(NamedTuple):
    contacts: list[ContactWithTags]
    next_cursor: str | None
    """None on the last page. A page can have fewer contacts than its limit, even none."""


class Assigned(NamedTuple):
    assignment: TagAssignment
    is_new: bool
    remaining: int
    """How many more tags the contact can take."""


class ContactRepository:
    """Builds every key from its tenant. No method takes a tenant or a key, so no request can reach another tenant."""

    def __init__(self, tenant_id: str, deadline: float | None = None) -> None:
        """No request is sent after the deadline, in seconds of time.monotonic()."""
        self._tenant_id = tenant_id
        self._table = Table(deadline)

    def get_by_phone(self, phone: str, alias: str | None = None) -> ContactWithTags:
        """Takes normalized phones. The contact of the alias counts only if `phone` has none. Raises ContactNotFound."""
        if alias is None:
            item = self._table.read(ContactItem, ContactItem.key(self._tenant_id, phone))
        else:
            keys = [ContactItem.key(self._tenant_id, each) for each in (phone, alias)]
            found = self._table.batch_read(keys)
            item = next((ContactItem.from_raw_data(found[key]) for key in keys if key in found), None)
        if item is None:
            raise ContactNotFound
        return item.contact_with_tags()

    def get(self, contact_id: str) -> ContactWithTags:
        """Raises ContactNotFound."""
        return self._read(contact_id).contact_with_tags()

    def page(self, cursor: str | None, limit: int) -> Page:
        """The contacts whose ids follow the cursor, in the order of their ids, contract section 7.

        The page ends early when only the time for reading its contacts is left. Raises DatabaseUnavailable.
        """
        pointers, next_cursor = self._pointers(cursor or "c", limit)
        contacts = self._read_all({pointer.sk: pointer.phone for pointer in pointers})
        return Page([*contacts.values()], next_cursor)

    def find(self, contact_ids: Iterable[str]) -> dict[str, ContactWithTags]:
        """The contacts that exist, by id. Raises DatabaseUnavailable."""
        pointers = self._table.batch_read(ContactPointer.key(self._tenant_id, each) for each in contact_ids)
        return self._read_all({contact_id: pointer["phone"]["S"] for (_, contact_id), pointer in pointers.items()})

    def upsert(
        self, phone: str, display_name: str | None, tags: Sequence[TagWish] = (), *, alias: str | None = None
    ) -> Upserted:
        """Refreshes the contact of the phone, else that of the alias, else creates one with the phone.

        All of it, name and tags, or nothing. None keeps the name of an existing contact. The caller has checked that
        the tags exist. Raises TagLimitReached, DatabaseUnavailable.
        """
        for _ in self._table.attempts():
            for each in (phone, alias):
                if each is not None:
                    with suppress(ConditionFailed):  # there is no such contact
                        return Upserted(self._refresh(each, display_name, tags), is_new=False)
            with suppress(ConditionFailed):  # another caller created it first: refresh theirs
                return Upserted(self._create(phone, display_name, tags), is_new=True)
        raise DatabaseUnavailable

    def existing_tags(self, tag_ids: Iterable[str]) -> set[str]:
        """Those of the ids that can be assigned. Raises DatabaseUnavailable."""
        found = self._table.batch_read(TagItem.key(self._tenant_id, tag_id) for tag_id in tag_ids)
        return {sk for (_, sk), tag in found.items() if "deleted_at" not in tag}

    def update(self, contact_id: str, changes: dict[str, str | None]) -> Contact:
        """Sets the named fields of ContactItem; None clears a field. Without fields it only reads.

        Raises ContactNotFound.
        """
        if not changes:
            return self._read(contact_id).contact()
        item = self._item(contact_id)
        fields = [(getattr(ContactItem, name), value) for name, value in changes.items()]
        actions = [field.remove() if value is None else field.set(value) for field, value in fields]
        is_this_contact = ContactItem.id == contact_id
        actions.append(ContactItem.updated_at.set(timestamps.now()))
        try:
            updated = self._write(item, actions, is_this_contact, changed_by=Source.API)
        except ConditionFailed:
            raise ContactNotFound from None
        return updated.contact()

    def delete(self, contact_id: str) -> None:
        """The contact's tags are in the same item and go with it. Raises ContactNotFound."""
        item = self._item(contact_id)
        pointer = ContactPointer(*ContactPointer.key(self._tenant_id, contact_id))
        is_this_contact = ContactItem.id == contact_id

        def remove(transaction: TransactWrite) -> None:
            transaction.delete(item, condition=is_this_contact)
            transaction.delete(pointer)

        try:
            self._table.transact(remove, token=str(uuid.uuid4()))
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
        """Assigns at the given time, else now. Raises ContactNotFound, TagNotFound, TagLimitReached,
        AssignmentOutweighed.

        Without `fresh_catalog` the tag is read eventually consistent, at half the price: a tag that was deleted a
        second ago may still be assigned.
        """
        item = self._item_when_tag_exists(contact_id, tag_id, consistent=fresh_catalog)
        writes = _TagWrites([TagWish(tag_id, reason)], source, at or timestamps.now())
        try:
            updated = self._update_with_tags(item, [], writes, contact_id=contact_id)
        except ConditionFailed:
            raise ContactNotFound from None
        return Assigned(
            updated.assignment(tag_id),
            is_new=updated.tag_origins.as_dict()[tag_id]["written_by"] == writes.call,
            remaining=TAG_LIMIT - len(updated.tags.as_dict()),
        )

    def remove_tag(self, contact_id: str, tag_id: str, source: Source) -> bool:
        """Whether the contact exists; a tag that it does not hold is no error. Raises AssignmentOutweighed."""
        if not is_id(tag_id):
            return True
        tag, origin = ContactItem.tags[tag_id], ContactItem.tag_origins[tag_id]
        is_this_contact = ContactItem.id == contact_id
        is_gone = tag.does_not_exist()
        gives_way = tag["weight"] <= source.weight
        try:
            item = self._item(contact_id)
            self._write(
                item,
                [tag.remove(), origin.remove()],
                is_this_contact & (is_gone | gives_way),
                changed_by=source,
            )
        except ContactNotFound:
            return False
        except ConditionFailed as failure:
            if not _is_contact(failure.old_item, contact_id):
                return False
            raise AssignmentOutweighed from None
        return True

    def record_inbound_message(self, phone: str, display_name: str | None, received_at: str) -> bool:
        """Returns False if the cooldown of the contact's last inbound message covers this one: nothing is written.

        Messages may come in any order and more than once. The changes are computed from the contact as it was read,
        and the write has the condition that it is unchanged. Raises DatabaseUnavailable.
        """
        key = ContactItem.key(self._tenant_id, phone)
        last = _recent_messages.get(key)
        if last and _is_cooling_down(last, received_at):
            return False
        consistent = False
        for _ in self._table.attempts():
            item = self._table.read(ContactItem, key, consistent=consistent)
            consistent = True
            try:
                is_written, last_inbound_at = self._record_message(item, phone, display_name, received_at)
            except ConditionFailed:
                continue  # another writer was faster, or the read was stale: read again
            _remember(_recent_messages, key, last_inbound_at)
            return is_written
        raise DatabaseUnavailable

    def _record_message(
        self, item: ContactItem | None, phone: str, display_name: str | None, received_at: str
    ) -> tuple[bool, str]:
        """Whether anything was written, and the resulting `last_inbound_at`. Raises ConditionFailed."""
        now = timestamps.now()
        if item is None:
            self._create(phone, display_name, changed_by=INBOUND, seen_at=received_at, last_inbound_at=received_at)
            return True, received_at
        last = item.last_inbound_at
        if last and _is_cooling_down(last, received_at):
            return False, last
        is_unchanged = (
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
            item = ContactItem(*ContactItem.key(self._tenant_id, phone))
            self._write(item, actions, is_unchanged, changed_by=INBOUND)
        return bool(actions), max(last or "", received_at)

    def _refresh(self, phone: str, display_name: str | None, tags: Sequence[TagWish]) -> Contact:
        """Raises ConditionFailed if there is no such contact, and TagLimitReached."""
        now = timestamps.now()
        actions: list[Action] = [ContactItem.last_seen_at.set(now), ContactItem.updated_at.set(now)]
        if display_name is not None:
            actions.append(ContactItem.display_name.set(display_name))
        item = ContactItem(*ContactItem.key(self._tenant_id, phone))
        writes = _TagWrites(tags, Source.API, now)
        return self._update_with_tags(item, actions, writes).contact()

    def _update_with_tags(
        self, item: ContactItem, actions: Sequence[Action], writes: "_TagWrites", *, contact_id: str | None = None
    ) -> ContactItem:
        """Writes if the contact exists and has this id, if one is given.

        Raises ConditionFailed if not, TagLimitReached, AssignmentOutweighed.
        """
        is_right = ContactItem.pk.exists() if contact_id is None else ContactItem.id == contact_id
        fits = writes.condition()
        for _ in self._table.attempts():
            condition = is_right if fits is None else is_right & fits
            try:
                return self._write(item, [*actions, *writes.actions()], condition, changed_by=writes.source)
            except ConditionFailed as failure:
                found = failure.old_item and ContactItem.from_raw_data(failure.old_item)
                if not found or contact_id not in {None, found.id}:
                    raise
                fits = writes.condition(found)
        raise DatabaseUnavailable

    def _write(
        self, item: ContactItem, actions: Sequence[Action], condition: Condition, *, changed_by: str
    ) -> ContactItem:
        """Says in the write itself who changed the contact: the change log shows it. Raises ConditionFailed."""
        return self._table.update(item, [*actions, ContactItem.changed_by.set(changed_by)], condition)

    def _create(
        self,
        phone: str,
        display_name: str | None,
        tags: Sequence[TagWish] = (),
        *,
        changed_by: str = Source.API,
        seen_at: str | None = None,
        last_inbound_at: str | None = None,
    ) -> Contact:
        """Raises ConditionFailed if there is a contact with this phone."""
        now = timestamps.now()
        seen_at = seen_at or now
        writes = _TagWrites(tags, Source.API, now)
        item = ContactItem(
            *ContactItem.key(self._tenant_id, phone),
            id=new_id(),
            display_name=display_name,
            first_seen_at=seen_at,
            last_seen_at=seen_at,
            last_inbound_at=last_inbound_at,
            created_at=now,
            updated_at=now,
            changed_by=changed_by,
            tags=writes.tags,
            tag_origins=dict.fromkeys(writes.tags, writes.origin),
        )
        pointer = ContactPointer(*ContactPointer.key(self._tenant_id, item.id), phone=phone)

        def add(transaction: TransactWrite) -> None:
            transaction.save(item, condition=ContactItem.pk.does_not_exist())
            transaction.save(pointer, condition=ContactPointer.pk.does_not_exist())

        self._table.transact(add, token=str(uuid.uuid4()))
        return item.contact()

    def _pointers(self, cursor: str, limit: int) -> tuple[list[ContactPointer], str | None]:
        """At most `limit` pointers that follow the cursor, and the cursor of the next page.

        Shards are queried one after the other. When one that was read as a whole has too few pointers, as many as
        probably fill the page are queried side by side: a tenant with few contacts does not wait for twelve Queries.
        """
        pointers: list[ContactPointer] = []
        first = ContactPointer.shard_of(cursor + "0")
        shards, side = ContactPointer.SHARDS[first:], 1
        while shards and len(pointers) < limit:
            if self._table.seconds_left() < _SECONDS_TO_READ_CONTACTS:
                return pointers, ContactPointer.cursor_before(shards[0])
            missing = limit - len(pointers)

            def query(number: int, most: int = missing) -> list[ContactPointer]:
                pk = ContactPointer.shard(self._tenant_id, number)
                return self._table.query(ContactPointer, pk, ContactPointer.sk > cursor, limit=most)

            found = list(chain.from_iterable(side_by_side(query, shards[:side])))
            pointers += found[:missing]
            is_whole = shards[0] != first or cursor == "c"
            shards = shards[side:]
            side = ceil((limit - len(pointers)) / max(len(found) / side, 1)) if is_whole else 1
        return pointers, pointers[-1].sk if len(pointers) == limit else None

    def _read_all(self, phones: dict[str, str]) -> dict[str, ContactWithTags]:
        """Takes and returns by id, in the same order."""
        keys = {contact_id: ContactItem.key(self._tenant_id, phone) for contact_id, phone in phones.items()}
        found = self._table.batch_read(keys.values())
        items = {contact_id: ContactItem.from_raw_data(found[key]) for contact_id, key in keys.items() if key in found}
        # A phone whose contact was deleted and created again has a contact with another id than the pointer's.
        return {contact_id: item.contact_with_tags() for contact_id, item in items.items() if item.id == contact_id}

    def _read(self, contact_id: str) -> ContactItem:
        item = self._table.read(ContactItem, self._key(contact_id))
        if item is None or item.id != contact_id:
            raise ContactNotFound
        return item

    def _item(self, contact_id: str) -> ContactItem:
        """The key of the contact, as an item to write to. Raises ContactNotFound."""
        return ContactItem(*self._key(contact_id))

    def _key(self, contact_id: str) -> Key:
        """One GetItem of the pointer; none if the id is malformed or its pointer is known. Raises ContactNotFound."""
        if not is_id(contact_id):
            raise ContactNotFound
        key = ContactPointer.key(self._tenant_id, contact_id)
        phone = _known_phones.get(key)
        if phone is None:
            pointer = self._table.read(ContactPointer, key)
            if pointer is None:
                raise ContactNotFound
            phone = _remember(_known_phones, key, pointer.phone)
        return ContactItem.key(self._tenant_id, phone)

    def _item_when_tag_exists(self, contact_id: str, tag_id: str, *, consistent: bool) -> ContactItem:
        """One BatchGetItem reads the pointer and the tag. Raises ContactNotFound, TagNotFound."""
        if not is_id(contact_id):
            raise ContactNotFound
        pointer_key = ContactPointer.key(self._tenant_id, contact_id)
        tag_key = TagItem.key(self._tenant_id, tag_id)
        phone = _known_phones.get(pointer_key)
        wanted = [tag_key] if phone else [pointer_key, tag_key]
        found = self._table.batch_read(wanted, consistent=consistent)
        if len(found) < len(wanted) and not consistent:
            found = self._table.batch_read(wanted, consistent=True)  # perhaps created a moment ago
        if phone is None:
            if pointer_key not in found:
                raise ContactNotFound
            phone = _remember(_known_phones, pointer_key, found[pointer_key]["phone"]["S"])
        if tag_key not in found or "deleted_at" in found[tag_key]:
            # If both are missing, report the contact, even if its pointer is still cached.
            if pointer_key not in found and not self._table.batch_read([pointer_key]):
                raise ContactNotFound
            raise TagNotFound
        return ContactItem(*ContactItem.key(self._tenant_id, phone))


class _TagWrites:
    """The part of a write that assigns tags, all of them or none."""

    def __init__(self, wishes: Sequence[TagWish], source: Source, at: str) -> None:
        self.call = secrets.token_urlsafe(9)  # short: it is stored with every assignment, and size is cost
        self.tags: dict[str, dict[str, Any]] = {}
        for tag_id, reason in wishes:
            tag = {"source": source.value, "weight": source.weight, "updated_at": at}
            self.tags[tag_id] = tag if reason is None else tag | {"reason": reason}
        self.origin = {"created_at": at, "written_by": self.call}
        """The origin of the first write stays, so `written_by` tells whether this call made an assignment, even if
        its request was sent again after a lost reply."""
        self.source = source

    def actions(self) -> Iterator[Action]:
        for tag_id, tag in self.tags.items():
            origin = ContactItem.tag_origins[tag_id]
            yield ContactItem.tags[tag_id].set(tag)
            yield origin.set(origin | self.origin)

    def condition(self, found: ContactItem | None = None) -> Condition | None:
        """That the contact has room for the tags and no assignment outweighs them; None without tags.

        Without the contact as it was found, it must have room for all tags or hold them all already. Else it must
        hold exactly what was found. Raises TagLimitReached, AssignmentOutweighed.
        """
        if not self.tags:
            return None
        paths = {tag_id: ContactItem.tags[tag_id] for tag_id in self.tags}
        if found is None:
            fits: Condition = size(ContactItem.tags) <= TAG_LIMIT - len(paths)
            fits |= reduce(and_, [path.exists() for path in paths.values()])
        else:
            held = found.tags.as_dict()
            if any(held[tag_id]["weight"] > self.source.weight for tag_id in paths.keys() & held.keys()):
                raise AssignmentOutweighed
            if len(held.keys() | paths.keys()) > TAG_LIMIT:
                raise TagLimitReached(TAG_LIMIT)
            fits = size(ContactItem.tags) == len(held)
            fits &= reduce(
                and_, [path.exists() if tag_id in held else path.does_not_exist() for tag_id, path in paths.items()]
            )
        if self.source.weight < HIGHEST_WEIGHT:
            gives_way = [path.does_not_exist() | (path["weight"] <= self.source.weight) for path in paths.values()]
            fits &= reduce(and_, gives_way)
        return fits


def _is_contact(old_item: dict[str, Any] | None, contact_id: str) -> TypeGuard[dict[str, Any]]:
    """Whether the item that failed a condition is this contact, not a later one with the same phone."""
    return old_item is not None and old_item["id"]["S"] == contact_id


def _unchanged(attribute: UnicodeAttribute, value: str | None) -> Condition:
    return attribute.does_not_exist() if value is None else attribute == value


def _is_cooling_down(last: str, received_at: str) -> bool:
    """Compares the times of two messages, not with the clock, so that a backlog is handled like live messages."""
    return abs(datetime.fromisoformat(received_at) - datetime.fromisoformat(last)) < COOLDOWN


def _remember(memory: dict[Key, str], key: Key, value: str) -> str:
    if len(memory) >= _MOST_REMEMBERED:
        memory.clear()
    memory[key] = value
    return value
