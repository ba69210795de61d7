"""All endpoints and the queues against a model of the contract: two tenants with the same phones and tag names."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from contacts import repository, timestamps
from contacts.resources import Source
from tests.gateway import ACME, GLOBEX, Tenant, call
from tests.queues import deliver
from tests.refusals import CONTACT_NOT_FOUND, TAG_NOT_FOUND

NOBODY = "c" + 24 * "0"
OK = 200, {"ok": True}
SOME_TIME_AGO = datetime.now(UTC) - timedelta(days=1)

tenants = st.sampled_from([ACME, GLOBEX])
phones = st.sampled_from(["70001", "70002"])
names = st.sampled_from(["Ada", "Grace", None])
tag_numbers = st.integers(0, 2)
"""The last one is deleted."""
moments = st.sampled_from([0, 30, 59, 60, 100, 200]).map(
    lambda seconds: timestamps.to_text(SOME_TIME_AGO + timedelta(seconds=seconds))
)


@dataclass
class Contact:
    fields: dict[str, Any]
    """As callers see them."""
    tags: dict[str, dict[str, Any]] = field(default_factory=dict)
    last_inbound_at: str | None = None

    @property
    def id(self) -> str:
        return str(self.fields["id"])

    @property
    def with_tags(self) -> dict[str, Any]:
        oldest_first = sorted(self.tags.values(), key=lambda each: (each["createdAt"], each["tagId"]))
        return self.fields | {"tagAssignments": oldest_first}


class Contract(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.contacts: dict[tuple[str, str], Contact] = {}
        """By tenant and phone."""
        self.ids = [NOBODY]
        """All that ever were, of both tenants."""
        self.cooldowns: dict[tuple[str, str], str] = {}
        """They outlast the contact for as long as a process remembers them."""

    @rule(tenant=tenants, phone=phones, name=names)
    def upsert(self, tenant: Tenant, phone: str, name: str | None) -> None:
        with now() as is_now:
            status, body = call("upsert_contact", tenant, json_body={"phone": phone, "display_name": name})
        assert is_now(body["lastSeenAt"])
        contact = self.contacts.get((tenant.id, phone))
        if contact is None:
            assert body["id"] not in self.ids
            assert (status, body) == (201, fields(body["id"], tenant, phone, name, body["lastSeenAt"]))
            self._add(Contact(body))
        else:
            seen = {"lastSeenAt": body["lastSeenAt"], "updatedAt": body["lastSeenAt"]}
            contact.fields |= seen | ({"displayName": name} if name else {})
            assert (status, body) == (200, contact.fields)

    @rule(tenant=tenants, number=st.integers(), name=names)
    def patch(self, tenant: Tenant, number: int, name: str | None) -> None:
        contact_id, contact = self._any(tenant, number)
        with now() as is_now:
            answer = call("update_contact", tenant, contactId=contact_id, json_body={"display_name": name})
        if contact:
            assert is_now(answer[1]["updatedAt"])
            contact.fields |= {"displayName": name, "updatedAt": answer[1]["updatedAt"]}
        assert answer == ((200, contact.fields) if contact else CONTACT_NOT_FOUND)

    @rule(tenant=tenants, number=st.integers())
    def patch_nothing(self, tenant: Tenant, number: int) -> None:
        contact_id, contact = self._any(tenant, number)
        answer = call("update_contact", tenant, contactId=contact_id, json_body={})
        assert answer == ((200, contact.fields) if contact else CONTACT_NOT_FOUND)

    @rule(tenant=tenants, number=st.integers())
    def delete(self, tenant: Tenant, number: int) -> None:
        contact_id, contact = self._any(tenant, number)
        assert call("delete_contact", tenant, contactId=contact_id) == (OK if contact else CONTACT_NOT_FOUND)
        if contact:
            del self.contacts[tenant.id, contact.fields["phone"]]

    @rule(tenant=tenants, number=st.integers(), tag=tag_numbers, reason=names)
    def assign(self, tenant: Tenant, number: int, tag: int, reason: str | None) -> None:
        contact_id, contact = self._any(tenant, number)
        tag_id = tag_ids(tenant)[tag]
        body = {"tag_id": tag_id, "reason": reason}
        with now() as is_now:
            answer = call("assign_tag", tenant, contactId=contact_id, json_body=body)
        if contact is None or tag == 2:
            assert answer == (TAG_NOT_FOUND if contact else CONTACT_NOT_FOUND)
            return
        assert is_now(answer[1]["updatedAt"])
        is_new = tag_id not in contact.tags
        contact.tags[tag_id] = self._assignment(contact, tag_id, Source.API, reason, answer[1]["updatedAt"])
        assert answer == (201 if is_new else 200, contact.tags[tag_id])

    @rule(tenant=tenants, number=st.integers(), tag=tag_numbers)
    def remove(self, tenant: Tenant, number: int, tag: int) -> None:
        contact_id, contact = self._any(tenant, number)
        tag_id = tag_ids(tenant)[tag]
        assert call("remove_tag", tenant, contactId=contact_id, tagId=tag_id) == OK
        if contact:
            contact.tags.pop(tag_id, None)

    @rule(tenant=tenants, number=st.integers(), phone=phones)
    def read(self, tenant: Tenant, number: int, phone: str) -> None:
        contact_id, contact = self._any(tenant, number)
        answer = call("get_contact", tenant, contactId=contact_id)
        assert answer == ((200, contact.with_tags) if contact else CONTACT_NOT_FOUND)
        contact = self.contacts.get((tenant.id, phone))
        answer = call("get_contact_by_phone", tenant, query={"phone": phone})
        assert answer == ((200, contact.with_tags) if contact else CONTACT_NOT_FOUND)

    @rule(tenant=tenants, phone=phones, name=names, at=moments)
    def receive_message(self, tenant: Tenant, phone: str, name: str | None, at: str) -> None:
        message = {"tenantId": tenant.id, "phone": phone, "displayName": name, "receivedAt": at}
        with now() as is_now:
            assert deliver("record_inbound_message", message, message) == []
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
        assert deliver("apply_tag_command", command, command) == []
        if contact is None or ((held := contact.tags.get(tag_id)) and Source(held["source"]).weight > source.weight):
            return
        if action == "REMOVE":
            contact.tags.pop(tag_id, None)
        elif tag < 2:
            contact.tags[tag_id] = self._assignment(contact, tag_id, source, None, at)

    @rule()
    def start_anew(self) -> None:
        """As a process that knows nothing yet."""
        repository._known_phones.clear()
        repository._recent_messages.clear()
        self.cooldowns.clear()

    def teardown(self) -> None:
        for tenant in ACME, GLOBEX:
            for phone in "70001", "70002":
                if contact := self.contacts.get((tenant.id, phone)):
                    assert call("get_contact", tenant, contactId=contact.id) == (200, contact.with_tags)
                    assert call("delete_contact", tenant, contactId=contact.id) == OK
        self.start_anew()

    def _any(self, tenant: Tenant, number: int) -> tuple[str, Contact | None]:
        """An id, mostly of today's contacts, and what this tenant has under it."""
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
    return [tenant.tag_ids[0], tenant.tag_ids[1 % len(tenant.tag_ids)], tenant.deleted_tag_id]


def fields(id_: str, tenant: Tenant, phone: str, name: str | None, at: str) -> dict[str, Any]:
    times = dict.fromkeys(("firstSeenAt", "lastSeenAt", "createdAt", "updatedAt"), at)
    return {"id": id_, "tenantId": tenant.id, "phone": phone, "displayName": name, **times}


@contextmanager
def now() -> Iterator[Any]:
    """Yields what tells whether a time lies within the block."""
    start = timestamps.now()
    yield lambda moment: start <= moment <= timestamps.now()
