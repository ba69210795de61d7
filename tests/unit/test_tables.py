"""The keys of the items."""

from typing import Any

import pytest

from contacts.storage.items import ApiKeyItem, ContactItem, ContactPointer, TagItem, TagName, TenantApiKey, TenantItem
from contacts.storage.table import Key, TableItem, connection


@pytest.mark.parametrize(
    ("item", "arguments", "key"),
    [
        (ContactItem, ["ctenant0", "12345"], ("ctenant0#12345", "CONTACT")),
        (ContactPointer, ["ctenant0", "ccontact"], ("ctenant0#IDS#4", "ccontact")),
        (ContactPointer, ["ctenant0", "c0000000"], ("ctenant0#IDS#0", "c0000000")),
        (ContactPointer, ["ctenant0", "czzzzzzz"], ("ctenant0#IDS#11", "czzzzzzz")),
        (TagItem, ["ctenant0", "ctag0000"], ("ctenant0#TAGS", "ctag0000")),
        (TagName, ["ctenant0", "vip strasse"], ("ctenant0#TAGS", "NAME#vip strasse")),
        (ApiKeyItem, ["0123abcd"], ("KEY#0123abcd", "KEY")),
        (TenantItem, ["ctenant0"], ("TENANTS", "ctenant0")),
        (TenantApiKey, ["ctenant0", "ckey0000"], ("ctenant0#KEYS", "ckey0000")),
    ],
)
def test_each_kind_of_item_has_its_key(item: Any, arguments: list[str], key: Key) -> None:
    assert item.key(*arguments) == key


def test_the_connection_is_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TableItem, "_connection", None)
    assert connection() is connection()
