"""The measured calls: events as API Gateway sends them, for a tenant with contacts and tags."""

import json
import time
from collections.abc import Callable
from contextlib import redirect_stdout, suppress
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from io import StringIO
from itertools import count
from typing import Any

from botocore import xform_name

from admin.keys import create_key
from admin.tags import create_tag
from admin.tenants import create_tenant
from benchmarks.costs import BATCH_SIZE, MESSAGES_TOGETHER
from contacts.access.keys import SCOPES
from contacts.domain.contact import TAG_LIMIT
from contacts.domain.phone import normalize_phone
from contacts.domain.source import Source
from contacts.storage.contacts import ContactRepository
from contacts.storage.table import connection
from tests.events import ACME, Event, Tenant, build_batch, build_event, sample_event
from tests.handlers import call, invoke
from tests.streams import build_contact, build_record, build_stream_event

PHONE, NAME = "+49 151 2345678", "Ada Lovelace"
TAGS_OF_A_CONTACT = 3

type Requests = list[tuple[str, dict[str, Any]]]
"""Methods of boto3's DynamoDB client with their parameters."""


@dataclass(frozen=True)
class Case:
    name: str
    function: str
    make_event: Callable[[], Event]
    """Makes a new event for each call, where a call changes what the next one finds."""
    make_requests: Callable[[], Requests]
    """The API's requests to DynamoDB for such an event; the reference sends them and does nothing else."""


class Workload:
    """A new tenant in the table that the environment names."""

    def __init__(self) -> None:
        tenant_id = create_tenant("Benchmark").id
        tag_ids = tuple(create_tag(tenant_id, f"Tag {number}").id for number in range(TAG_LIMIT + 1))
        self.key = create_key(tenant_id, name="Benchmark", scopes=SCOPES).key
        self.tenant = Tenant(tenant_id, "cbenchmarkkey", tag_ids, deleted_tag_id="")
        self._contacts = ContactRepository(tenant_id)
        self._phones = map(str, count(491510000000))
        self._contact_id = self.make_contact(PHONE, tags=TAGS_OF_A_CONTACT)

    def make_contact(self, phone: str, *, tags: int = 0) -> str:
        contact, _ = self._contacts.upsert(normalize_phone(phone), NAME)
        for tag_id in self.tenant.tag_ids[:tags]:
            self._contacts.assign_tag(contact.id, tag_id, Source.API, None)
        return contact.id

    @property
    def authorizer(self) -> Case:
        event = sample_event("authorizer") | {"headers": {"Authorization": f"Bearer {self.key}"}}
        _record("authorizer", event)  # it stores the time of use, at most once in five minutes
        return self._repeated("authorizer", "authorizer", event)

    @property
    def whoami(self) -> Case:
        return self._endpoint("whoami", "whoami")

    @property
    def syncing(self) -> list[Case]:
        contact = {"phone": PHONE, "display_name": NAME, "tags": [{"tag_id": self.tenant.tag_ids[0]}]}
        return [
            self._endpoint("list contacts", "list_contacts"),
            self._endpoint("list tags", "list_tags"),
            self._endpoint("changes", "list_changes"),
            self._endpoint("batch", "upsert_contacts", json_body={"contacts": [contact]}),
        ]

    @property
    def endpoints(self) -> list[Case]:
        contact_id, first_tag, last_tag = self._contact_id, self.tenant.tag_ids[0], self.tenant.tag_ids[-1]
        upsert = {"phone": PHONE, "display_name": NAME}
        assignment = {"tag_id": first_tag, "reason": "Asked for a demo"}
        return [
            self._endpoint("by phone", "get_contact_by_phone", query={"phone": PHONE}),
            self._endpoint("by id", "get_contact", contactId=contact_id),
            self._endpoint("upsert, existing", "upsert_contact", json_body=upsert),
            Case("upsert, new", "upsert_contact", self._creation, lambda: self._record_lifetime()[0]),
            self._endpoint("patch", "update_contact", contactId=contact_id, json_body={"display_name": "Grace"}),
            self._endpoint("assign tag", "assign_tag", contactId=contact_id, json_body=assignment),
            self._endpoint("remove tag", "remove_tag", contactId=contact_id, tagId=last_tag),
            Case("delete", "delete_contact", self._deletion, self._deletion_requests),
        ]

    def make_full_events(self) -> dict[str, Callable[[], Event]]:
        """An event of each function, with as many contacts or messages as one call takes.

        The tenant gets what they need. Each event can be sent again while DynamoDB's replies stay the same.
        """
        tag_id = self.tenant.tag_ids[0]
        phones = [next(self._phones) for _ in range(BATCH_SIZE)]
        tags = [{"tag_id": each} for each in self.tenant.tag_ids[:TAGS_OF_A_CONTACT]]
        contacts = [{"phone": phone, "display_name": NAME, "tags": tags} for phone in phones]
        cursor = {"cursor": call("list_changes", self.tenant)[1]["nextCursor"]}
        results = call("upsert_contacts", self.tenant, json_body={"contacts": contacts})[1]["results"]
        ids = [each["contact"]["id"] for each in results]
        while not call("list_changes", self.tenant, query=cursor)[1]["hasMore"]:
            time.sleep(0.1)  # until the consumer of the table's stream has published BATCH_SIZE changes

        minutes = count(step=2)  # more than the cooldown of a sender

        def make_messages() -> Event:
            moment = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=next(minutes))
            sent = {"tenantId": self.tenant.id, "receivedAt": moment.isoformat()}
            senders = [f"1{phone}" for phone in phones[:MESSAGES_TOGETHER]]
            return build_batch("record_inbound_message", *({**sent, "phone": each} for each in senders))

        invoke("record_inbound_message", make_messages())  # creates the senders
        command = {"tenantId": self.tenant.id, "tagId": tag_id, "action": "ASSIGN", "source": "MANUAL_ADMIN"}
        commands = [{**command, "contactId": each, "issuedAt": "2026-01-01T00:00:00Z"} for each in ids]
        records = [build_record(None, build_contact(ACME, phone, tag_id), n) for n, phone in enumerate(phones)]
        deletion = self._deletion()
        requests: dict[str, dict[str, Any]] = {
            "get_contact_by_phone": {"query": {"phone": PHONE}},
            "get_contact": {"contactId": self._contact_id},
            "list_contacts": {},
            "upsert_contact": {"json_body": {"phone": PHONE, "display_name": NAME}},
            "upsert_contacts": {"json_body": {"contacts": contacts}},
            "update_contact": {"contactId": self._contact_id, "json_body": {"display_name": "Grace"}},
            "assign_tag": {"contactId": self._contact_id, "json_body": {"tag_id": tag_id, "reason": "A demo"}},
            "remove_tag": {"contactId": self._contact_id, "tagId": self.tenant.tag_ids[-1]},
            "list_tags": {},
            "list_changes": {"query": cursor},
            "whoami": {},
        }
        events = {name: build_event(name, self.tenant, **request) for name, request in requests.items()} | {
            "delete_contact": deletion,
            "authorizer": self.authorizer.make_event(),
            "apply_tag_command": build_batch("apply_tag_command", *commands[:MESSAGES_TOGETHER]),
            "publish_changes": build_stream_event(*records),
        }
        return {name: partial(deepcopy, event) for name, event in events.items()} | {
            "record_inbound_message": make_messages
        }

    def _endpoint(self, name: str, function: str, **request: Any) -> Case:  # noqa: ANN401 - build_event's own
        return self._repeated(name, function, build_event(function, self.tenant, **request))

    def _repeated(self, name: str, function: str, event: Event) -> Case:
        requests, _ = _record(function, event)
        return Case(name, function, lambda: event, lambda: requests)

    def _creation(self) -> Event:
        return build_event("upsert_contact", self.tenant, json_body={"phone": next(self._phones)})

    def _deletion(self) -> Event:
        return build_event("delete_contact", self.tenant, contactId=self.make_contact(next(self._phones)))

    def _deletion_requests(self) -> Requests:
        creation, deletion = self._record_lifetime()
        send(creation)
        return deletion

    def _record_lifetime(self) -> tuple[Requests, Requests]:
        """The requests that create a contact and delete it. The contact is gone, so they can be sent again."""
        creation, answer = _record("upsert_contact", self._creation())
        contact_id = json.loads(answer["body"])["id"]
        deletion, _ = _record("delete_contact", build_event("delete_contact", self.tenant, contactId=contact_id))
        return creation, deletion


def _record(function: str, event: Event) -> tuple[Requests, Any]:
    """The API's requests to DynamoDB for the event, and its answer."""
    requests: Requests = []

    def keep(params: dict[str, Any], model: Any, **_: object) -> None:  # noqa: ANN401 - botocore's
        again = {
            name: value for name, value in params.items() if name != "ClientRequestToken"
        }  # a repeated token makes DynamoDB skip the write
        requests.append((xform_name(model.name), again))

    events = connection().client.meta.events
    events.register("provide-client-params.dynamodb", keep)
    try:
        with redirect_stdout(StringIO()):  # hides the metrics
            return requests, invoke(function, event)
    finally:
        events.unregister("provide-client-params.dynamodb", keep)


def send(requests: Requests) -> None:
    client: Any = connection().client
    for method, parameters in requests:
        with suppress(
            client.exceptions.ConditionalCheckFailedException
        ):  # an upsert's first request, when the contact is new
            getattr(client, method)(**parameters)
