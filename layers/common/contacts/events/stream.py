"""Makes a Lambda handler for the table's stream: hands on what changed about contacts, contract section 9."""

import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import wraps
from typing import TYPE_CHECKING, Any

from contacts.domain.changes import Change, Changes, Write, compare
from contacts.domain.errors import outcome_of
from contacts.domain.source import Source
from contacts.runtime.observability import count, logger
from contacts.storage.changes import MOST_CHANGES, MOST_CONTACTS
from contacts.storage.items import ContactItem

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

type Publish = Callable[[str, Changes, float], None]
"""Takes a tenant id, changes, and the deadline in seconds of time.monotonic()."""

type Event = dict[str, Any]
type Handler = Callable[[Event, LambdaContext], dict[str, Any]]

_SECONDS_TO_END = 5
"""The last request of an invocation begins this long before the function's timeout."""


@dataclass
class _Group:
    """Changes of one tenant that are published together."""

    tenant_id: str
    first: str
    """The sequence number of the first record."""
    changes: list[Change] = field(default_factory=list)

    def has_room_for(self, changes: list[Change]) -> bool:
        named = {each.contact_id for each in (*self.changes, *changes)}
        return len(self.changes) + len(changes) <= MOST_CHANGES and len(named) <= MOST_CONTACTS


def stream_consumer(publish: Publish) -> Handler:
    """Makes the handler of a stream of contacts from a function that publishes changes of one tenant.

    Groups are published one after the other, in the order of their first records. When one fails, the handler ends and
    reports its first record: Lambda sends that and everything behind it again. So changes can be published twice, but
    a group that fails again and again is then the first of the batch, and nothing behind it is published again.
    """

    @wraps(publish)
    def handler(event: Event, context: "LambdaContext") -> dict[str, Any]:
        deadline = time.monotonic() + context.get_remaining_time_in_millis() / 1000 - _SECONDS_TO_END
        groups, failed = _read(event["Records"])
        outcomes = Counter({"Bug": 1} if failed else {})
        for group in groups:
            try:
                publish(group.tenant_id, group.changes, deadline)
            except Exception as error:  # noqa: BLE001 - whatever it is, Lambda sends the records again
                logger.exception("Changes not published", tenant_id=group.tenant_id, sequence_number=group.first)
                failed = group.first
                outcomes[outcome_of(error)] += 1
                break
            outcomes["PUBLISHED"] += len(group.changes)
        if published := outcomes["PUBLISHED"]:
            logger.info("PUBLISHED", records=len(event["Records"]), changes=published)
        count("Change", outcomes)
        return {"batchItemFailures": [{"itemIdentifier": failed}] if failed else []}

    return handler


def _read(records: Iterable[dict[str, Any]]) -> tuple[list[_Group], str | None]:
    """The groups in the order of their first records, and the sequence number of a record that cannot be read.

    Records behind that one are not read. It stops its shard, because skipping it would lose a change.
    """
    groups: list[_Group] = []
    current: dict[str, _Group] = {}
    for record in records:
        sequence_number: str = record["dynamodb"]["SequenceNumber"]
        try:
            tenant_id, changes = _changes_of(record["dynamodb"])
        except Exception:  # noqa: BLE001 - whatever it is, the record must not be skipped
            logger.exception("A record of the stream cannot be read", sequence_number=sequence_number)
            return groups, sequence_number
        if not changes:
            continue
        group = current.get(tenant_id)
        if group is None or not group.has_room_for(changes):
            group = current[tenant_id] = _Group(tenant_id, sequence_number)
            groups.append(group)
        group.changes += changes
    return groups, None


def _changes_of(record: dict[str, Any]) -> tuple[str, list[Change]]:
    """The tenant's id, and what the write of the record changed."""
    before, after = (
        ContactItem.from_raw_data(record[image]) if image in record else None for image in ("OldImage", "NewImage")
    )
    write = Write(
        id=record["SequenceNumber"],
        at=int(record["ApproximateCreationDateTime"]),
        source=(after and after.changed_by) or Source.API,
    )
    tenant_id, _ = record["Keys"]["pk"]["S"].split("#")
    shown, now_shown = (item.contact_with_tags() if item else None for item in (before, after))
    return tenant_id, compare(shown, now_shown, write)
