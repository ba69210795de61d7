"""A Hypothesis state machine that compares all endpoints and queues with a model of the contract.

Two tenants use the same phones and tag names.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from itertools import count
from typing import Any

import hypothesis
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from contacts.access.authorizer import Unauthorized
from contacts.domain.contact import TAG_LIMIT
from contacts.domain.source import Source
from contacts.runtime import timestamps
from contacts.storage.items import ContactItem, TagItem, TagName, TenantApiKey
from contacts.storage.table import TableItem
from tests.api_keys import build_api_key
from tests.conftest import forget
from tests.document import OPERATIONS
from tests.events import ACME, GLOBEX, Tenant, build_event, sample_event
from tests.handlers import call, deliver, invoke
from tests.refusals import CONTACT_NOT_FOUND, KEY_REUSED, TAG_LIMIT_REACHED, TAG_NOT_FOUND

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

tenants = st.sampled_from([ACME, GLOBEX])
keys = st.sampled_from(KEYS + 3 * [key for key in KEYS if len(key.scopes) == 2 and key.status == "ACTIVE"])
phones = st.sampled_from(["70001", "70002"])
names = st.sampled_from(["Ada", "Grace", None])
tag_numbers = st.integers(0, 3)
DELETED = 2
"""The number of the deleted tag."""
moments = st.sampled_from([0, 30, 59, 60, 100, 200]).map(
    lambda seconds: timestamps.to_text(SOME_TIME_AGO + timedelta(seconds=seconds))
)


@dataclass
class Contact:
    fields: dict[str, Any]
    """The JSON that callers see."""
    tags: dict[str, dict[str, Any]] = field(default_factory=dict)
    last_inbound_at: str | None = None

    @property
    def id(self) -> str:
        return str(self.fields["id"])

    def can_take(self, tag_id: str) -> bool:
        return tag_id in self.tags or len(self.tags) < TAG_LIMIT

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
        self._granted: dict[ApiKey, dict[str, Any] | None] = {}

    @initialize(key=st.sampled_from([None, KEYS[0]]), phone=phones)
    def begin(self, key: ApiKey | None, phone: str) -> None:
        """Starts with no contact, or with a contact that has 20 tags."""
        if not key:
            return
        self.upsert(key, phone, "Ada", once=False)
        [contact] = self.contacts.values()
        now = timestamps.now()
        tag = {"source": Source.API.value, "weight": Source.API.weight, "updated_at": now}
        origin = {"created_at": now, "written_by": "another request"}
        tags, origins = ({tag_id: value.copy() for tag_id in MANY_TAGS} for value in (tag, origin))
        ContactItem(*ContactItem.key(key.tenant.id, phone)).update(
            [ContactItem.tags.set(tags), ContactItem.tag_origins.set(origins)]
        )
        contact.tags = {tag_id: self._assignment(contact, tag_id, Source.API, None, now) for tag_id in MANY_TAGS}

    @rule(key=keys, phone=phones, name=names, once=st.booleans())
    def upsert(self, key: ApiKey, phone: str, name: str | None, *, once: bool) -> None:
        with now() as is_now:
            answer = self._call(key, "upsert_contact", once=once, json_body={"phone": phone, "display_name": name})
        if answer is None:
            return
        status, body = answer
        assert is_now(body["lastSeenAt"])
        contact = self.contacts.get((key.tenant.id, phone))
        if contact is None:
            assert body["id"] not in self.ids
            assert (status, body) == (201, fields(body["id"], key.tenant, phone, name, body["lastSeenAt"]))
            self._add(Contact(body))
        else:
            seen = {"lastSeenAt": body["lastSeenAt"], "updatedAt": body["lastSeenAt"]}
            contact.fields |= seen | ({"displayName": name} if name else {})
            assert (status, body) == (200, contact.fields)

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
        tag_id = tag_ids(key.tenant)[tag]
        body = {"tag_id": tag_id, "reason": reason}
        with now() as is_now:
            answer = self._call(key, "assign_tag", once=once, contactId=contact_id, json_body=body)
        if answer is None:
            return
        if contact is None:
            assert answer == CONTACT_NOT_FOUND
        elif tag_id == key.tenant.deleted_tag_id:
            assert answer == TAG_NOT_FOUND
        elif not contact.can_take(tag_id):
            assert answer == TAG_LIMIT_REACHED
        else:
            assert is_now(answer[1]["updatedAt"])
            is_new = tag_id not in contact.tags
            contact.tags[tag_id] = self._assignment(contact, tag_id, Source.API, reason, answer[1]["updatedAt"])
            assert answer == (201 if is_new else 200, contact.tags[tag_id])

    @rule(key=keys, number=st.integers(), tag=tag_numbers, once=st.booleans())
    def remove(self, key: ApiKey, number: int, tag: int, *, once: bool) -> None:
        contact_id, contact = self._any(key.tenant, number)
        tag_id = tag_ids(key.tenant)[tag]
        answer = self._call(key, "remove_tag", once=once, contactId=contact_id, tagId=tag_id)
        assert answer in (None, OK)
        if answer and contact:
            contact.tags.pop(tag_id, None)

    @precondition(lambda self: self.kept)
    @rule(number=st.integers(), is_same=st.booleans())
    def repeat(self, number: int, *, is_same: bool) -> None:
        """Sends the request of a kept answer again, or another request with its Idempotency-Key."""
        kept = self.kept[number % len(self.kept)]
        other = {} if is_same else {"json_body": {"something": "else"}}
        answer = self._invoke(kept.key, kept.function, kept.idempotency_key, **kept.request | other)
        if is_same:
            assert answer == kept.answer | {"headers": kept.answer["headers"] | {"Idempotency-Replayed": "true"}}
        else:
            assert answer is not None
            assert (answer["statusCode"], json.loads(answer["body"])) == KEY_REUSED

    @rule(key=keys, number=st.integers(), phone=phones)
    def read(self, key: ApiKey, number: int, phone: str) -> None:
        contact_id, contact = self._any(key.tenant, number)
        answer = self._call(key, "get_contact", contactId=contact_id)
        assert answer in (None, (200, contact.with_tags) if contact else CONTACT_NOT_FOUND)
        contact = self.contacts.get((key.tenant.id, phone))
        answer = self._call(key, "get_contact_by_phone", query={"phone": phone})
        assert answer in (None, (200, contact.with_tags) if contact else CONTACT_NOT_FOUND)

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
        tag_id = tag_ids(tenant)[tag]
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
        elif tag != DELETED and contact.can_take(tag_id):
            contact.tags[tag_id] = self._assignment(contact, tag_id, source, None, at)

    @rule()
    def start_anew(self) -> None:
        """Clears all caches, as new processes do."""
        forget()
        self.cooldowns.clear()
        self._granted.clear()

    def teardown(self) -> None:
        for tenant in ACME, GLOBEX:
            for phone in "70001", "70002":
                if contact := self.contacts.get((tenant.id, phone)):
                    assert call("get_contact", tenant, contactId=contact.id) == (200, contact.with_tags)
                    assert call("delete_contact", tenant, contactId=contact.id) == OK
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


def fields(id_: str, tenant: Tenant, phone: str, name: str | None, at: str) -> dict[str, Any]:
    times = dict.fromkeys(("firstSeenAt", "lastSeenAt", "createdAt", "updatedAt"), at)
    return {"id": id_, "tenantId": tenant.id, "phone": phone, "displayName": name, **times}


@contextmanager
def now() -> Iterator[Any]:
    """Yields a function that says whether a time lies within the block so far."""
    start = timestamps.now()
    yield lambda moment: start <= moment <= timestamps.now()


def run_contract(*, examples: int, steps_each: int, seed: int) -> int:
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
    for item in items:
        item.save()
    try:
        run_state_machine_as_test(hypothesis.seed(seed)(type("Contract", (Contract,), {})), settings=how)
    finally:
        for item in items:
            item.delete()
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
