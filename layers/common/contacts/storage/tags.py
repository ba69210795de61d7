"""The tag catalog of one tenant: every live tag has its item and an item that reserves its name."""

import re
import unicodedata
import uuid
from collections.abc import Callable
from dataclasses import replace

from pynamodb.expressions.condition import Condition
from pynamodb.transactions import TransactWrite

from contacts.domain.errors import TagNotFound
from contacts.domain.tag import LONGEST_TAG_NAME, CatalogTag, Tag
from contacts.runtime import timestamps
from contacts.runtime.identifiers import is_id, new_id
from contacts.storage.items import TagItem, TagName
from contacts.storage.retries import ConditionFailed
from contacts.storage.table import Table

_INVISIBLE = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\ufe00-\ufe0f\U000e0100-\U000e01ef]")
"""Blank letters and variation selectors: they show nothing, although their category is not Cf."""

_AFTER_ALL_NAMES = "NAME$"
"""The first possible sort key behind all `NAME#…`."""

_LONGEST_FOLDED = 1024 - len("NAME#")
"""In bytes: DynamoDB's limit for a sort key."""


class TagNameTaken(Exception):
    """Another tag of the tenant has this name."""

    def __init__(self, holder: CatalogTag) -> None:
        super().__init__("Another tag of the tenant has this name.")
        self.holder = holder


class TagChanged(Exception):
    """Another process changed the tag between our read and our write."""


def fold(name: str) -> str:
    """Names that fold to the same text are the same name. docs/decisions/0031 says why.

    Case, compatibility forms (NFKC), invisible characters and the number of spaces make no difference.
    """
    visible = "".join(each for each in unicodedata.normalize("NFKC", name) if unicodedata.category(each) != "Cf")
    folded = unicodedata.normalize("NFKC", _INVISIBLE.sub("", visible).casefold())
    return " ".join(folded.split())


def is_tag_name(name: str) -> bool:
    """Whether a tag can have this name: 1 to 50 characters, something to see, and it fits into a sort key."""
    return len(name) <= LONGEST_TAG_NAME and 1 <= len(fold(name).encode(errors="replace")) <= _LONGEST_FOLDED


class TagCatalog:
    """Builds every key from its tenant. Names are stored as they are given: whoever creates a tag checks them first."""

    def __init__(self, tenant_id: str, deadline: float | None = None) -> None:
        """No request is sent after the deadline, in seconds of time.monotonic()."""
        self._tenant_id = tenant_id
        self._table = Table(deadline)

    def all(self) -> list[CatalogTag]:
        """Deleted tags too, by name."""
        is_tag = TagItem.sk.startswith("c")  # every id begins with it, and no reserved name does
        items = self._table.query(TagItem, TagItem.catalog(self._tenant_id), is_tag)
        return sorted((_tag(item) for item in items), key=lambda tag: (fold(tag.name), tag.created_at))

    def page(self, name: str | None, cursor: str | None, limit: int) -> tuple[list[Tag], str | None]:
        """Live tags by folded name, and the cursor of the next page; with a name, the one tag of this name.

        A cursor is the id of a tag, and its place is the tag's name. An id that is not in the catalog is the place
        before all names. Raises DatabaseUnavailable.
        """
        if name is not None:
            found = self.find(name)
            return [_live(found)] if found else [], None
        last = self._table.read(TagItem, TagItem.key(self._tenant_id, cursor)) if cursor else None
        catalog, first = TagName.key(self._tenant_id, fold(last.name) if last else "")
        in_order = TagName.sk.between(first, _AFTER_ALL_NAMES)
        names = self._table.query(TagName, catalog, in_order, limit=limit + 1)  # one may be the cursor's own
        names = [each for each in names if each.sk != first][:limit]
        keys = [TagItem.key(self._tenant_id, each.tag_id) for each in names]
        items = self._table.batch_read(keys)
        tags = [_tag(TagItem.from_raw_data(items[key])) for key in keys if key in items]
        return [_live(tag) for tag in tags if not tag.deleted_at], names[-1].tag_id if len(names) == limit else None

    def find(self, name: str) -> CatalogTag | None:
        """The live tag of this name. Two GetItems; one if the name is free, none if no tag can have it."""
        if not is_tag_name(name):
            return None
        folded = fold(name)
        reserved = self._table.read(TagName, TagName.key(self._tenant_id, folded))
        tag = self._table.read(TagItem, TagItem.key(self._tenant_id, reserved.tag_id)) if reserved else None
        if tag is None or tag.deleted_at or fold(tag.name) != folded:  # deleted or renamed between the two reads
            return None
        return _tag(tag)

    def create(self, name: str, description: str | None, colour: str | None) -> CatalogTag:
        """Raises TagNameTaken, or TagChanged if the name was taken and freed again at the same moment."""
        item = TagItem(
            *TagItem.key(self._tenant_id, new_id()),
            name=name,
            description=description,
            colour=colour,
            created_at=timestamps.now(),
        )

        def add(transaction: TransactWrite) -> None:
            transaction.save(item, condition=TagItem.pk.does_not_exist())
            _reserve(transaction, self._name(name, item.sk))

        try:
            self._table.transact(add, token=str(uuid.uuid4()))
        except ConditionFailed:
            raise self._conflict(name, item.sk) from None
        return _tag(item)

    def get(self, tag_id: str) -> CatalogTag:
        """A deleted tag too. Raises TagNotFound."""
        return _tag(self._read(tag_id))

    def rename(self, tag_id: str, name: str) -> CatalogTag:
        """Frees the old name. Raises TagNotFound, TagNameTaken, TagChanged."""
        item = self._read(tag_id)
        if item.deleted_at:
            raise TagNotFound
        old, new = self._name(item.name, tag_id), self._name(name, tag_id)

        def move(transaction: TransactWrite) -> None:
            transaction.update(item, [TagItem.name.set(name)], condition=_is_unchanged(item))
            _reserve(transaction, new)
            if new.sk != old.sk:  # a transaction may name an item only once
                transaction.delete(old, condition=TagName.tag_id == tag_id)

        try:
            self._table.transact(move, token=str(uuid.uuid4()))
        except ConditionFailed:
            raise self._conflict(name, tag_id) from None
        return replace(_tag(item), name=name)

    def delete(self, tag_id: str, also: Callable[[TransactWrite], None] = lambda _: None) -> CatalogTag:
        """Frees the name and ends assignments; contacts that hold the tag keep it. Deleting again changes nothing.

        `also` adds writes to the transaction.
        Raises TagNotFound, TagChanged.
        """
        item = self._read(tag_id)
        if item.deleted_at:
            return _tag(item)
        now = timestamps.now()

        def remove(transaction: TransactWrite) -> None:
            transaction.update(item, [TagItem.deleted_at.set(now)], condition=_is_unchanged(item))
            transaction.delete(self._name(item.name, tag_id), condition=TagName.tag_id == tag_id)
            also(transaction)

        try:
            self._table.transact(remove, token=str(uuid.uuid4()))
        except ConditionFailed:
            raise TagChanged from None
        return replace(_tag(item), deleted_at=now)

    def _read(self, tag_id: str) -> TagItem:
        item = self._table.read(TagItem, TagItem.key(self._tenant_id, tag_id)) if is_id(tag_id) else None
        if item is None:
            raise TagNotFound
        return item

    def _name(self, name: str, tag_id: str) -> TagName:
        return TagName(*TagName.key(self._tenant_id, fold(name)), tag_id=tag_id)

    def _conflict(self, name: str, tag_id: str) -> Exception:
        """Why a name could not be reserved for the tag."""
        holder = self.find(name)
        return TagNameTaken(holder) if holder and holder.id != tag_id else TagChanged()


def _reserve(transaction: TransactWrite, name: TagName) -> None:
    is_free = TagName.pk.does_not_exist()
    is_its_own = TagName.tag_id == name.tag_id
    transaction.save(name, condition=is_free | is_its_own)


def _is_unchanged(item: TagItem) -> Condition:
    """The transaction deletes the reservation of the name that was read, so the tag must still have that name."""
    is_unchanged: Condition = (TagItem.name == item.name) & TagItem.deleted_at.does_not_exist()
    return is_unchanged


def _tag(item: TagItem) -> CatalogTag:
    return CatalogTag(
        id=item.sk,
        name=item.name,
        description=item.description,
        colour=item.colour,
        created_at=item.created_at,
        deleted_at=item.deleted_at,
    )


def _live(tag: CatalogTag) -> Tag:
    return Tag(id=tag.id, name=tag.name, description=tag.description, colour=tag.colour, created_at=tag.created_at)
