"""A Hypothesis state machine that compares all endpoints and queues with a model of the contract.

Two tenants use the same phones and tag names.
"""

import json
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from itertools import count
from typing import Any

import hypothesis
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from contacts.access.authorizer import Unauthorized
from contacts.domain.contact import TAG_LIMIT
from contacts.domain.source import Source
from contacts.runtime import timestamps
from contacts.storage.items import ContactItem, TagItem, TagName, TenantApiKey
from contacts.storage.table import TableItem
from contacts.storage.tags import TagCatalog
from tests.api_keys import build_api_key
from tests.conftest import forget
from tests.document import OPERATIONS
from tests.engine.flows import ALIASES, contact_id
from tests.events import ACME, GLOBEX, Tenant, build_event, sample_event
from tests.handlers import call, deliver, invoke
from tests.refusals import (
    CONTACT_NOT_FOUND,
    KEY_REUSED,
    TAG_LIMIT_REACHED,
    TAG_NOT_FOUND,
    invalid,
    refused_item,
)

NOBODY = "c" + 24 * "0"
OK = 200, {"ok": True}
SOME_TIME_AGO = datetime.now(UTC) - timedelta(days=1)

SCOPES = {operation.function: operation.scope for operation in OPERATIONS}


@dataclass(frozen=True)
class ApiKey:
    tenant: Tenant
    id: str
    scopes: tuple[str, ...] = ("contacts:read", "contacts:write")
    status: str = "ACTIVE"

    @property
    def secret(self) -> str:
        return f"sflo_live_{self.id:0<43}"

    def may_call(self, function: str) -> bool:
        return SCOPES[function] in {"any", *self.scopes}


KEYS = [
    key
    for tenant in (ACME, GLOBEX)
    for key in (
        ApiKey(tenant, f"{tenant.id}key1"),
        ApiKey(tenant, f"{tenant.id}key2"),
        ApiKey(tenant, f"{tenant.id}reads", ("contacts:read",)),
        ApiKey(tenant, f"{tenant.id}writes", ("contacts:write",)),
        ApiKey(tenant, f"{tenant.id}revoked", status="REVOKED"),
    )
]
MANY_TAGS = [f"cmanytags{number:02}" for number in range(TAG_LIMIT)]
"""Tags that each tenant has besides its others."""

PHONES = ["70001", *ALIASES]

tenants = st.sampled_from([ACME, GLOBEX])
keys = st.sampled_from(KEYS + 3 * [key for key in KEYS if len(key.scopes) == 2 and key.status == "ACTIVE"])
phones = st.sampled_from(PHONES)
matches = st.sampled_from(["exact", "alias"])
names = st.sampled_from(["Ada", "Grace", None])
tag_numbers = st.sampled_from([0, 0, 0, 1, 1, 2, 3, 3, 4])
tag_names = st.sampled_from(["VIP", "press", "Éclair"])
"""Of the tags that operators create."""

moments = st.sampled_from([0, 30, 59, 60, 100, 200]).map(
    lambda seconds: timestamps.to_text(SOME_TIME_AGO + timedelta(seconds=seconds))
)


type Wish = tuple[str, str | None, dict[int, str | None]]
"""An item of a batch: phone, name, and the reasons of its tags by the tags' numbers."""

wishes: st.SearchStrategy[Wish] = st.tuples(phones, names, st.dictionaries(tag_numbers, names, max_size=2))


@dataclass
class Contact:
    fields: dict[str, Any]
    """The JSON that callers see."""
    tags: dict[str, dict[str, Any]] = field(default_factory=dict)
    last_inbound_at: str | None = None

    @property
    def id(self) -> str:
        return str(self.fields["id"])

    def can_take(self, tag_ids: Collection[str]) -> bool:
        return self.tags.keys() >= set(tag_ids) or len(self.tags.keys() | tag_ids) <= TAG_LIMIT

    @property
    def with_tags(self) -> dict[str, Any]:
        oldest_first = sorted(self.tags.values(), key=lambda each: (each["createdAt"], each["tagId"]))
        return self.fields | {"tagAssignments": oldest_first}


_numbers = count()


@dataclass(frozen=True)
class Kept:
    """A kept answer and its request."""

    key: ApiKey
    idempotency_key: str
    function: str
    request: dict[str, Any]
    answer: dict[str, Any]


class Contract(RuleBasedStateMachine):
    calls = 0
    """The number of calls in all histories."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: list[Kept] = []
        self.contacts: dict[tuple[str, str], Contact] = {}
        """By tenant and phone."""
        self.ids = [NOBODY]
        """The ids of all contacts of both tenants, deleted ones included."""
        self.cooldowns: dict[tuple[str, str], str] = {}
        """`last_inbound_at` by tenant and phone, as the process caches it. Deleting a contact does not clear it."""
        self.catalogs = {
            tenant.id: {tag_id: f"Tag {number}" for number, tag_id in enumerate(tenant.tag_ids[:2])}
            | {tag_id: tag_id for tag_id in MANY_TAGS}
            for tenant in (ACME, GLOBEX)
        }
        """The names of the live tags of each tenant, by id."""
        self.created: list[tuple[Tenant, str]] = []
        """The tags that operators created, deleted ones included."""
        self.names = {tag_id: name for catalog in self.catalogs.values() for tag_id, name in catalog.items()}
        """The last name of each tag, deleted ones included, by id."""
        self.cursors: dict[tuple[str, str], str | None] = {}
        """Where the next page begins, by tenant and function."""
        self._granted: dict[ApiKey, dict[str, Any] | None] = {}

    @initialize(key=st.sampled_from([None, KEYS[0]]), phone=phones, items=st.lists(wishes, min_size=1, max_size=3))
    def begin(self, key: ApiKey | None, phone: str, items: list[Wish]) -> None:
        """Starts with some contacts of both tenants, or with a contact that has 20 tags."""
        if not key:
            for tenant in ACME, GLOBEX:
                self.upsert_many(next(each for each in KEYS if each.tenant == tenant), items, "exact", once=False)
            return
        self.upsert(key, phone, "Ada", "exact", once=False)
        [contact] = self.contacts.values()
        now = timestamps.now()
        tag = {"source": Source.API.value, "weight": Source.API.weight, "updated_at": now}
        origin = {"created_at": now, "written_by": "another request"}
        tags, origins = ({tag_id: value.copy() for tag_id in MANY_TAGS} for value in (tag, origin))
        ContactItem(*ContactItem.key(key.tenant.id, phone)).update(
            [ContactItem.tags.set(tags), ContactItem.tag_origins.set(origins)]
        )
        contact.tags = {tag_id: self._assignment(contact, tag_id, Source.API, None, now) for tag_id in MANY_TAGS}

    @rule(key=keys, phone=phones, name=names, match=matches, once=st.booleans())
    def upsert(self, key: ApiKey, phone: str, name: str | None, match: str, *, once: bool) -> None:
        body = {"phone": phone, "display_name": name}
        with now() as is_now:
            answer = self._call(key, "upsert_contact", once=once, query={"match": match}, json_body=body)
        if answer:
            assert is_now(answer[1]["lastSeenAt"])
            assert answer == self._upsert(key.tenant, phone, name, match, answer[1])

    @rule(key=keys, items=st.lists(wishes, min_size=1, max_size=4), match=matches, once=st.booleans())
    def upsert_many(self, key: ApiKey, items: list[Wish], match: str, *, once: bool) -> None:
        """As if the items were sent one after the other."""
        contacts = [
            {
                "phone": phone,
                "display_name": name,
                "tags": [{"tag_id": self._tag_id(key.tenant, tag), "reason": reason} for tag, reason in tags.items()],
            }
            for phone, name, tags in items
        ]
        with now() as is_now:
            answer = self._call(
                key, "upsert_contacts", once=once, query={"match": match}, json_body={"contacts": contacts}
            )
        if answer is None:
            return
        status, body = answer
        results = body["results"]
        assert all(is_now(each["contact"]["lastSeenAt"]) for each in results if "contact" in each)
        right = [self._upsert_item(key.tenant, item, match, each) for item, each in zip(items, results, strict=True)]
        assert results == right
        assert status == (200 if all("contact" in each for each in right) else 207)

    @rule(key=keys, number=st.integers(), name=names, once=st.booleans())
    def patch(self, key: ApiKey, number: int, name: str | None, *, once: bool) -> None:
        contact_id, contact = self._any(key.tenant, number)
        with now() as is_now:
            answer = self._call(
                key, "update_contact", once=once, contactId=contact_id, json_body={"display_name": name}
            )
        if answer and contact:
            assert is_now(answer[1]["updatedAt"])
            contact.fields |= {"displayName": name, "updatedAt": answer[1]["updatedAt"]}
        assert answer in (None, (200, contact.fields) if contact else CONTACT_NOT_FOUND)

    @rule(key=keys, number=st.integers(), once=st.booleans())
    def patch_nothing(self, key: ApiKey, number: int, *, once: bool) -> None:
        contact_id, contact = self._any(key.tenant, number)
        answer = self._call(key, "update_contact", once=once, contactId=contact_id, json_body={})
        assert answer in (None, (200, contact.fields) if contact else CONTACT_NOT_FOUND)

    @rule(key=keys, number=st.integers(), once=st.booleans())
    def delete(self, key: ApiKey, number: int, *, once: bool) -> None:
        contact_id, contact = self._any(key.tenant, number)
        answer = self._call(key, "delete_contact", once=once, contactId=contact_id)
        assert answer in (None, OK if contact else CONTACT_NOT_FOUND)
        if answer and contact:
            del self.contacts[key.tenant.id, contact.fields["phone"]]

    @rule(key=keys, number=st.integers(), tag=tag_numbers, reason=names, once=st.booleans())
    def assign(self, key: ApiKey, number: int, tag: int, reason: str | None, *, once: bool) -> None:
        contact_id, contact = self._any(key.tenant, number)
        tag_id = self._tag_id(key.tenant, tag)
        body = {"tag_id": tag_id, "reason": reason}
        with now() as is_now:
            answer = self._call(key, "assign_tag", once=once, contactId=contact_id, json_body=body)
        if answer is None:
            return
        if contact is None:
            assert answer == CONTACT_NOT_FOUND
        elif tag_id not in self.catalogs[key.tenant.id]:
            assert answer == TAG_NOT_FOUND
        elif not contact.can_take({tag_id}):
            assert answer == TAG_LIMIT_REACHED
        else:
            assert is_now(answer[1]["updatedAt"])
            is_new = tag_id not in contact.tags
            contact.tags[tag_id] = self._assignment(contact, tag_id, Source.API, reason, answer[1]["updatedAt"])
            assert answer == (201 if is_new else 200, contact.tags[tag_id])

    @rule(key=keys, number=st.integers(), tag=tag_numbers, once=st.booleans())
    def remove(self, key: ApiKey, number: int, tag: int, *, once: bool) -> None:
        contact_id, contact = self._any(key.tenant, number)
        tag_id = self._tag_id(key.tenant, tag)
        answer = self._call(key, "remove_tag", once=once, contactId=contact_id, tagId=tag_id)
        assert answer in (None, OK)
        if answer and contact:
            contact.tags.pop(tag_id, None)

    @precondition(lambda self: self.kept)
    @rule(number=st.integers(), other=st.sampled_from([{}, {}, {"json_body": {}}, {"query": {"match": "other"}}]))
    def repeat(self, number: int, other: dict[str, Any]) -> None:
        """Sends the request of a kept answer again, or another request with its Idempotency-Key."""
        kept = self.kept[number % len(self.kept)]
        answer = self._invoke(kept.key, kept.function, kept.idempotency_key, **kept.request | other)
        if kept.request | other == kept.request:
            assert answer == kept.answer | {"headers": kept.answer["headers"] | {"Idempotency-Replayed": "true"}}
        else:
            assert answer is not None
            assert (answer["statusCode"], json.loads(answer["body"])) == KEY_REUSED

    @rule(key=keys, number=st.integers(), phone=phones, match=matches)
    def read(self, key: ApiKey, number: int, phone: str, match: str) -> None:
        contact_id, contact = self._any(key.tenant, number)
        answer = self._call(key, "get_contact", contactId=contact_id)
        assert answer in (None, (200, contact.with_tags) if contact else CONTACT_NOT_FOUND)
        contact = self._find(key.tenant, phone, match)
        answer = self._call(key, "get_contact_by_phone", query={"phone": phone, "match": match})
        assert answer in (None, (200, contact.with_tags) if contact else CONTACT_NOT_FOUND)

    @rule(key=keys, limit=st.integers(1, 3), is_first=st.booleans())
    def list_contacts(self, key: ApiKey, limit: int, *, is_first: bool) -> None:
        """The first page, or the next one, which shows the contacts behind its cursor as they are now."""
        cursor, page = self._turn_page(key, "list_contacts", limit, is_first=is_first)
        if page:
            _, first = call("get_contact", key.tenant, contactId=contact_id(key.tenant))
            others = [each.with_tags for (owner, _), each in self.contacts.items() if owner == key.tenant.id]
            following = [each for each in (first, *others) if each["id"] > (cursor or "")]
            check_page(page, limit, sorted(following, key=lambda each: str(each["id"])))

    @rule(key=keys, limit=st.integers(1, 9), is_first=st.booleans())
    def list_tags(self, key: ApiKey, limit: int, *, is_first: bool) -> None:
        """A cursor stands at the present name of its tag, or at the last one if the tag is deleted."""
        cursor, page = self._turn_page(key, "list_tags", limit, is_first=is_first)
        if page:
            place = self.names[cursor].casefold() if cursor else ""
            by_name = sorted((name.casefold(), tag_id) for tag_id, name in self.catalogs[key.tenant.id].items())
            following = [(tag_id, self.names[tag_id]) for name, tag_id in by_name if name > place]
            check_page(page | {"data": [(each["id"], each["name"]) for each in page["data"]]}, limit, following)

    @rule(key=keys, name=tag_names)
    def find_tag(self, key: ApiKey, name: str) -> None:
        answer = self._call(key, "list_tags", query={"name": name.swapcase()})
        found = [tag_id for tag_id, each in self.catalogs[key.tenant.id].items() if each == name]
        assert answer is None or [each["id"] for each in answer[1]["data"]] == found

    @rule(tenant=tenants, name=tag_names, other=tag_names)
    def change_catalog(self, tenant: Tenant, name: str, other: str) -> None:
        """An operator creates the tag. If it exists, it gets the other name, or is deleted if that one is taken."""
        operators, catalog = TagCatalog(tenant.id), self.catalogs[tenant.id]
        by_name = {each: tag_id for tag_id, each in catalog.items()}
        if name not in by_name:
            tag_id = operators.create(name, None, None).id
            self.created.append((tenant, tag_id))
            catalog[tag_id] = self.names[tag_id] = name
        elif other not in by_name:
            operators.rename(by_name[name], other)
            catalog[by_name[name]] = self.names[by_name[name]] = other
        else:
            operators.delete(by_name[name])
            del catalog[by_name[name]]

    @rule(key=keys)
    def ask_whoami(self, key: ApiKey) -> None:
        answer = self._call(key, "whoami")
        assert answer in (
            None,
            (
                200,
                {
                    "tenantId": key.tenant.id,
                    "keyId": key.id,
                    "name": "CRM",
                    "scopes": [*key.scopes],
                    "rateLimit": 80,
                    "batchRateLimit": 8,
                    "expiresAt": None,
                    "requireSignature": False,
                    "ipAllowlist": [],
                    "sourceIp": "203.0.113.7",
                },
            ),
        )

    @rule(tenant=tenants, phone=phones, name=names, at=moments)
    def receive_message(self, tenant: Tenant, phone: str, name: str | None, at: str) -> None:
        message = {"tenantId": tenant.id, "phone": phone, "displayName": name, "receivedAt": at}
        with now() as is_now:
            assert self._deliver("record_inbound_message", message) == []
        contact, key = self.contacts.get((tenant.id, phone)), (tenant.id, phone)
        last = self.cooldowns.get(key) or (contact and contact.last_inbound_at)
        if last and abs(datetime.fromisoformat(at) - datetime.fromisoformat(last)) < timedelta(seconds=60):
            self.cooldowns[key] = last
            return
        _, body = call("get_contact_by_phone", tenant, query={"phone": phone})
        body.pop("tagAssignments")
        if contact is None:
            assert is_now(body["createdAt"])
            created = fields(body["id"], tenant, phone, name, body["createdAt"])
            contact = self._add(Contact(created | {"firstSeenAt": at, "lastSeenAt": at}))
        else:
            changes = {"lastSeenAt": at} if at > contact.fields["lastSeenAt"] else {}
            if name and not contact.fields["displayName"]:
                changes["displayName"] = name
            if changes:
                assert is_now(body["updatedAt"])
                contact.fields |= changes | {"updatedAt": body["updatedAt"]}
        assert body == contact.fields
        contact.last_inbound_at = self.cooldowns[key] = max(contact.last_inbound_at or "", at)

    @rule(
        tenant=tenants,
        number=st.integers(),
        tag=tag_numbers,
        source=st.sampled_from(Source),
        action=st.sampled_from(["ASSIGN", "REMOVE"]),
        at=moments,
    )
    def command_tag(
        self,
        tenant: Tenant,
        number: int,
        tag: int,
        source: Source,
        action: str,
        at: str,
    ) -> None:
        contact_id, contact = self._any(tenant, number)
        tag_id = self._tag_id(tenant, tag)
        command = {
            "tenantId": tenant.id,
            "contactId": contact_id,
            "tagId": tag_id,
            "action": action,
            "source": source,
            "issuedAt": at,
        }
        assert self._deliver("apply_tag_command", command) == []
        if contact is None or ((held := contact.tags.get(tag_id)) and Source(held["source"]).weight > source.weight):
            return
        if action == "REMOVE":
            contact.tags.pop(tag_id, None)
        elif tag_id in self.catalogs[tenant.id] and contact.can_take({tag_id}):
            contact.tags[tag_id] = self._assignment(contact, tag_id, source, None, at)

    @rule()
    def start_anew(self) -> None:
        """Clears all caches, as new processes do."""
        forget()
        self.cooldowns.clear()
        self._granted.clear()

    @invariant()
    def watch(self) -> None:
        self.after_step(self)

    @staticmethod
    def after_step(_contract: "Contract") -> None:
        """run_contract() replaces it."""

    def teardown(self) -> None:
        for tenant in ACME, GLOBEX:
            for phone in PHONES:
                if contact := self.contacts.get((tenant.id, phone)):
                    assert call("get_contact", tenant, contactId=contact.id) == (200, contact.with_tags)
                    assert call("delete_contact", tenant, contactId=contact.id) == OK
        for tenant, tag_id in self.created:
            TagCatalog(tenant.id).delete(tag_id)
            TagItem(*TagItem.key(tenant.id, tag_id)).delete()
        self.start_anew()

    def _call(self, key: ApiKey, function: str, *, once: bool = False, **request: Any) -> tuple[int, Any] | None:
        """Status and body, or None if the gateway refuses the call."""
        name = f"once-{next(_numbers)}" if once else None
        answer = self._invoke(key, function, name, **request)
        if answer is None:
            return None
        assert "Idempotency-Replayed" not in answer["headers"]
        if name and answer["statusCode"] < 300:
            self.kept.append(Kept(key, name, function, request, answer))
        return answer["statusCode"], json.loads(answer["body"])

    def _invoke(self, key: ApiKey, function: str, idempotency_key: str | None, **request: Any) -> dict[str, Any] | None:
        """Does what the gateway does: asks the authorizer, checks its policy, and puts its context into the event."""
        Contract.calls += 1
        headers = {"Idempotency-Key": idempotency_key} if idempotency_key else {}
        event = build_event(function, key.tenant, headers=headers, **request)
        api, stage, *_ = sample_event("authorizer")["methodArn"].split("/")
        route = f"{api}/{stage}/{event['httpMethod']}{event['path']}"
        if key not in self._granted:
            self._granted[key] = self._authorize(key, route)
        granted = self._granted[key]
        assert (granted is not None) == (key.status == "ACTIVE")
        if granted is None:
            return None
        [statement] = granted["policyDocument"]["Statement"]
        is_granted = any(fnmatchcase(route, pattern) for pattern in statement["Resource"])
        assert is_granted == key.may_call(function)
        event["requestContext"]["authorizer"] = granted["context"]
        return invoke(function, event) if is_granted else None

    def _authorize(self, key: ApiKey, route: str) -> dict[str, Any] | None:
        """The authorizer's answer, which the gateway caches, or None if it refuses the key."""
        event = sample_event("authorizer") | {"headers": {"Authorization": f"Bearer {key.secret}"}, "methodArn": route}
        try:
            return dict(invoke("authorizer", event))
        except Unauthorized:
            return None

    def _deliver(self, function: str, message: dict[str, Any]) -> list[int]:
        """Delivers the message twice, as SQS can do."""
        Contract.calls += 1
        return deliver(function, message, message)

    def _any(self, tenant: Tenant, number: int) -> tuple[str, Contact | None]:
        """An id, usually of an existing contact, and the tenant's contact with this id, if there is one."""
        ids = [contact.id for contact in self.contacts.values()] * 2 + self.ids
        contact_id = ids[number % len(ids)]
        mine = (each for (owner, _), each in self.contacts.items() if owner == tenant.id and each.id == contact_id)
        return contact_id, next(mine, None)

    def _find(self, tenant: Tenant, phone: str, match: str) -> Contact | None:
        """The contact of the phone, else that of its alias if aliases count."""
        spellings = [phone, ALIASES.get(phone)] if match == "alias" else [phone]
        found = (self.contacts.get((tenant.id, each)) for each in spellings if each)
        return next((contact for contact in found if contact), None)

    def _upsert(
        self, tenant: Tenant, phone: str, name: str | None, match: str, shown: dict[str, Any]
    ) -> tuple[int, dict[str, Any]]:
        """Status and contact of the right answer, with the time, and for a new contact the id, that was shown."""
        at, contact = shown["lastSeenAt"], self._find(tenant, phone, match)
        if contact is None:
            assert shown["id"] not in self.ids
            return 201, self._add(Contact(fields(shown["id"], tenant, phone, name, at))).fields
        contact.fields |= {"lastSeenAt": at, "updatedAt": at} | ({"displayName": name} if name else {})
        return 200, contact.fields

    def _upsert_item(self, tenant: Tenant, wish: Wish, match: str, shown: dict[str, Any]) -> dict[str, Any]:
        """The right result of an item."""
        phone, name, tags = wish
        ids = [self._tag_id(tenant, number) for number in tags]
        twice = [place for place, tag_id in enumerate(ids) if tag_id in ids[:place]]
        if twice:  # a tenant with one tag has the same one under two numbers
            field = f"tags[{twice[0]}].tag_id"
            return refused_item(invalid(field, f"{field} names a tag that is already in the list."))
        unknown = [place for place, tag_id in enumerate(ids) if tag_id not in self.catalogs[tenant.id]]
        if unknown:
            return refused_item(TAG_NOT_FOUND, field=f"tags[{unknown[0]}].tag_id")
        contact = self._find(tenant, phone, match)
        if contact and not contact.can_take(ids):
            return refused_item(TAG_LIMIT_REACHED)
        status, right = self._upsert(tenant, phone, name, match, shown["contact"])
        contact = self._find(tenant, phone, match)
        assert contact
        for tag_id, reason in zip(ids, tags.values(), strict=True):
            contact.tags[tag_id] = self._assignment(contact, tag_id, Source.API, reason, right["lastSeenAt"])
        return {"status": status, "contact": right.copy()}

    def _turn_page(
        self, key: ApiKey, function: str, limit: int, *, is_first: bool
    ) -> tuple[str | None, dict[str, Any] | None]:
        """The cursor that was sent, and the page, or None if the gateway refuses the call."""
        cursor = None if is_first else self.cursors.get((key.tenant.id, function))
        answer = self._call(key, function, query={"limit": str(limit)} | ({"cursor": cursor} if cursor else {}))
        if answer is None:
            return cursor, None
        status, page = answer
        assert status == 200
        self.cursors[key.tenant.id, function] = page["nextCursor"]
        return cursor, page

    def _tag_id(self, tenant: Tenant, number: int) -> str:
        """The last one was created by operators, if they have created any, and perhaps deleted."""
        created = [tag_id for owner, tag_id in self.created if owner == tenant]
        return [*tag_ids(tenant), *created[-1:], NOBODY][number]

    def _add(self, contact: Contact) -> Contact:
        self.contacts[contact.fields["tenantId"], contact.fields["phone"]] = contact
        self.ids.append(contact.id)
        return contact

    def _assignment(self, contact: Contact, tag_id: str, source: Source, reason: str | None, at: str) -> dict[str, Any]:
        return {
            "contactId": contact.id,
            "tagId": tag_id,
            "source": source.value,
            "reason": reason,
            "createdAt": contact.tags[tag_id]["createdAt"] if tag_id in contact.tags else at,
            "updatedAt": at,
        }


def tag_ids(tenant: Tenant) -> list[str]:
    return [tenant.tag_ids[0], tenant.tag_ids[1 % len(tenant.tag_ids)], tenant.deleted_tag_id, MANY_TAGS[0]]


def check_page(page: dict[str, Any], limit: int, following: list[Any]) -> None:
    """The page shows the first of those that follow its cursor, and has no next page if there are no more."""
    assert page["data"] == following[:limit]
    if len(following) != limit:
        assert (page["nextCursor"] is None) == (len(following) < limit)


def fields(id_: str, tenant: Tenant, phone: str, name: str | None, at: str) -> dict[str, Any]:
    times = dict.fromkeys(("firstSeenAt", "lastSeenAt", "createdAt", "updatedAt"), at)
    return {"id": id_, "tenantId": tenant.id, "phone": phone, "displayName": name, **times}


@contextmanager
def now() -> Iterator[Any]:
    """Yields a function that says whether a time lies within the block so far."""
    start = timestamps.now()
    yield lambda moment: start <= moment <= timestamps.now()


def run_contract(
    *, examples: int, steps_each: int, seed: int, after_step: Callable[["Contract"], None] = lambda _: None
) -> int:
    """Returns the number of calls."""
    how = settings(
        max_examples=examples,
        stateful_step_count=steps_each,
        phases=[Phase.generate],  # reports a failure at once: shrinking takes minutes
        derandomize=False,
        database=None,
    )
    calls_before = Contract.calls
    items = [*_keys_and_tags()]
    with TableItem.batch_write() as batch:
        for item in items:
            batch.save(item)
    try:
        machine = type("Contract", (Contract,), {"after_step": staticmethod(after_step)})
        run_state_machine_as_test(hypothesis.seed(seed)(machine), settings=how)
    finally:
        with TableItem.batch_write() as batch:
            for item in items:
                batch.delete(item)
    return Contract.calls - calls_before


def _keys_and_tags() -> Iterator[TableItem]:
    at = timestamps.now()
    for key in KEYS:
        item = build_api_key(key.secret, key.tenant, key_id=key.id, scopes=[*key.scopes], status=key.status)
        yield item
        yield TenantApiKey(*TenantApiKey.key(key.tenant.id, key.id), key_hash=item.pk.removeprefix("KEY#"))
    for tenant in ACME, GLOBEX:
        for tag_id in MANY_TAGS:
            yield TagItem(*TagItem.key(tenant.id, tag_id), name=tag_id, created_at=at)
            yield TagName(*TagName.key(tenant.id, tag_id), tag_id=tag_id)
