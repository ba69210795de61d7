"""The one DynamoDB table: its items, their keys, and how an operation on it ends."""

import json
import random
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Self

from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError, ResponseStreamingError
from pynamodb.attributes import BooleanAttribute, ListAttribute, MapAttribute, NumberAttribute, UnicodeAttribute
from pynamodb.connection import Connection
from pynamodb.connection.table import TableConnection
from pynamodb.exceptions import PynamoDBConnectionError, PynamoDBException, TransactWriteError
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action
from pynamodb.models import Model
from pynamodb.transactions import TransactWrite

from contacts import settings, startup
from contacts.errors import DatabaseUnavailable
from contacts.resources import Contact, ContactWithTags, TagAssignment

type Key = tuple[str, str]

PATIENCE_SECONDS = 4.0
"""How long a call may go on repeating what lost a race: with the time-outs below it ends before the function's own."""

MOST_FAULTS = 3
"""How often an operation may be throttled, fail or not be answered before the caller is told so."""


class ConditionFailed(Exception):
    """The condition of a write did not hold."""

    def __init__(self, old_item: dict[str, Any] | None = None) -> None:
        super().__init__("The condition of a write did not hold.")
        self.old_item = old_item
        """The item as it stands, raw, where the write asked for it and it is there."""


class TableItem(Model):
    """One item of the table. All kinds share one connection: one client to set up, one TLS handshake."""

    class Meta:
        table_name = settings.table_name()
        connect_timeout_seconds = 0.5
        read_timeout_seconds = 1.5
        max_retry_attempts = 0  # attempt() repeats, see docs/decisions.md

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)

    @classmethod
    def _get_connection(cls) -> TableConnection:
        is_first_use = TableItem._connection is None
        table = super(TableItem, TableItem)._get_connection()
        if is_first_use:
            table.connection.session.register("before-parse.dynamodb", _refuse_unreadable)  # type: ignore[arg-type]
        return table

    @classmethod
    def read(cls, key: Key, *, consistent: bool = True) -> Self | None:
        """None when it is not there."""
        try:
            return attempt(lambda: cls.get(*key, consistent_read=consistent))
        except cls.DoesNotExist:
            return None


class ContactItem(TableItem):
    id = UnicodeAttribute()
    display_name = UnicodeAttribute(null=True)
    first_seen_at = UnicodeAttribute()
    last_seen_at = UnicodeAttribute()
    last_inbound_at = UnicodeAttribute(null=True)
    created_at = UnicodeAttribute()
    updated_at = UnicodeAttribute()
    tags: MapAttribute[str, Any] = MapAttribute(default=dict)
    """tag id → source, weight, reason, updated_at"""
    tag_origins: MapAttribute[str, Any] = MapAttribute(default=dict)
    """tag id → created_at, written_by. Not within `tags`: a nested if_not_exists() needs its parent to be there."""

    @staticmethod
    def key(tenant_id: str, phone: str) -> Key:
        return f"{tenant_id}#{phone}", "CONTACT"

    def contact(self) -> Contact:
        return Contact(**self._fields())

    def contact_with_tags(self) -> ContactWithTags:
        assignments = (self.assignment(tag_id) for tag_id in self.tags.as_dict())
        return ContactWithTags(
            **self._fields(),
            tag_assignments=tuple(sorted(assignments, key=lambda each: (each.created_at, each.tag_id))),
        )

    def assignment(self, tag_id: str) -> TagAssignment:
        tag, origin = self.tags.as_dict()[tag_id], self.tag_origins.as_dict()[tag_id]
        return TagAssignment(
            contact_id=self.id,
            tag_id=tag_id,
            source=tag["source"],
            reason=tag.get("reason"),
            created_at=origin["created_at"],
            updated_at=tag["updated_at"],
        )

    def _fields(self) -> dict[str, Any]:
        tenant_id, phone = self.pk.split("#")
        return {
            "id": self.id,
            "tenant_id": tenant_id,
            "phone": phone,
            "display_name": self.display_name,
            "first_seen_at": self.first_seen_at,
            "last_seen_at": self.last_seen_at,
            "created_at": self.created_at,
            "updated_at": self.updated_at,
        }


class ContactPointer(TableItem):
    """Contact id → phone. Written once and strongly consistent, which an index would not be."""

    phone = UnicodeAttribute()

    @staticmethod
    def key(tenant_id: str, contact_id: str) -> Key:
        return f"{tenant_id}#{contact_id}", "ID"


class TagItem(TableItem):
    name = UnicodeAttribute()
    description = UnicodeAttribute(null=True)
    colour = UnicodeAttribute(null=True)
    created_at = UnicodeAttribute()
    deleted_at = UnicodeAttribute(null=True)

    @staticmethod
    def catalog(tenant_id: str) -> str:
        return f"{tenant_id}#TAGS"

    @staticmethod
    def key(tenant_id: str, tag_id: str) -> Key:
        return TagItem.catalog(tenant_id), tag_id


class TagName(TableItem):
    """Reserves a name in a tenant's catalog."""

    tag_id = UnicodeAttribute()

    @staticmethod
    def key(tenant_id: str, name: str) -> Key:
        return TagItem.catalog(tenant_id), f"NAME#{name.casefold()}"


class ApiKeyItem(TableItem):
    """What the authorizer reads. Its expiry is not called `expires_at`: the table's TTL would delete the key."""

    tenant_id = UnicodeAttribute()
    key_id = UnicodeAttribute()
    name = UnicodeAttribute()
    prefix = UnicodeAttribute()
    scopes: ListAttribute[str] = ListAttribute()
    status = UnicodeAttribute()
    created_at = UnicodeAttribute()
    valid_until = UnicodeAttribute(null=True)
    last_used_at = UnicodeAttribute(null=True)
    rate_limit = NumberAttribute(null=True)
    """Requests per second, where the key has its own."""
    require_signature = BooleanAttribute(default=False)
    ip_allowlist: ListAttribute[str] = ListAttribute(default=list)

    @staticmethod
    def key(key_hash: str) -> Key:
        return f"KEY#{key_hash}", "KEY"


class TenantApiKey(TableItem):
    """Finds the keys of a tenant; all that is said of a key is in its ApiKeyItem."""

    key_hash = UnicodeAttribute()

    @staticmethod
    def keys_of(tenant_id: str) -> str:
        return f"{tenant_id}#KEYS"

    @staticmethod
    def key(tenant_id: str, key_id: str) -> Key:
        return TenantApiKey.keys_of(tenant_id), key_id


class TenantItem(TableItem):
    name = UnicodeAttribute()
    created_at = UnicodeAttribute()

    @staticmethod
    def key(tenant_id: str) -> Key:
        return "TENANTS", tenant_id


class IdempotencyRecord(TableItem):
    status = UnicodeAttribute()
    expires_at = NumberAttribute()
    """Unix seconds; the table's TTL."""
    in_progress_until = NumberAttribute()
    """Unix milliseconds."""
    fingerprint = UnicodeAttribute()
    owner = UnicodeAttribute()
    """The invocation that holds or held the lock."""
    answer = UnicodeAttribute(null=True)

    @staticmethod
    def key(key_id: str, digest: str) -> Key:
        """The digest's head spreads a busy key over many partitions."""
        return f"{digest[:2]}#{key_id}#IDEMPOTENCY", digest


def connection() -> Connection:
    """What transactions and batches are made on; the one that all items share."""
    return TableItem._get_connection().connection  # noqa: SLF001 - pynamodb has no public way to share one


def update[Item: TableItem](item: Item, actions: Sequence[Action], condition: Condition) -> Item:
    """One UpdateItem; returns the new state. Raises ConditionFailed, DatabaseUnavailable."""
    arguments = item.get_update_kwargs_from_instance(
        list(actions), condition=condition, return_values_on_condition_failure="ALL_OLD"
    )
    answer = _write("UpdateItem", {**arguments, "ReturnValues": "ALL_NEW"})
    return type(item).from_raw_data(answer["Attributes"])


def put(item: TableItem, condition: Condition) -> None:
    """One PutItem. Raises ConditionFailed, DatabaseUnavailable."""
    arguments = item.get_save_kwargs_from_instance(condition=condition, return_values_on_condition_failure="ALL_OLD")
    _write("PutItem", arguments)


def delete(item: TableItem, condition: Condition) -> None:
    """One DeleteItem. Raises ConditionFailed, DatabaseUnavailable."""
    _write("DeleteItem", item.get_delete_kwargs_from_instance(condition=condition))


def _write(operation: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """Model.update() and its like cannot ask for the item on which a condition failed; the connection below can."""

    def write() -> dict[str, Any]:
        try:
            return connection().dispatch(operation, arguments)
        except (BotoCoreError, ClientError) as error:
            raise PynamoDBConnectionError(cause=error) from error

    return attempt(write)


def batch_read(keys: Iterable[Key], *, consistent: bool = True) -> dict[Key, dict[str, Any]]:
    """One BatchGetItem, twice when DynamoDB left some unprocessed; the raw items that are there."""
    wanted: Any = [{"pk": pk, "sk": sk} for pk, sk in keys]  # pynamodb's annotation, Sequence[str], is wrong
    table = TableItem.Meta.table_name
    for _ in range(2):
        answer = attempt(lambda: connection().batch_get_item(table, wanted, consistent_read=consistent))
        if not answer.get("UnprocessedKeys"):
            return {(item["pk"]["S"], item["sk"]["S"]): item for item in answer["Responses"][table]}
    raise DatabaseUnavailable


def transact(add_writes: Callable[[TransactWrite], None], token: str) -> None:
    """One TransactWriteItems, which the token makes safe to send again. Raises ConditionFailed, DatabaseUnavailable."""

    def write() -> None:
        with TransactWrite(connection=connection(), client_request_token=token) as transaction:
            add_writes(transaction)

    attempt(write)


_CONDITION_CODES = frozenset({"ConditionalCheckFailed", "ConditionalCheckFailedException"})
_CONFLICT_CODES = frozenset({"TransactionConflict", "TransactionConflictException", "TransactionInProgressException"})
_TRANSIENT_CODES = frozenset(
    {
        "InternalServerError",
        "LimitExceededException",
        "ProvisionedThroughputExceeded",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "ServiceUnavailable",
        "ServiceUnavailableException",
        "ThrottlingError",
        "ThrottlingException",
    }
)


def tries() -> Iterator[None]:
    """One at once, then others, each after a pause with jitter, for as long as a call may go on repeating itself."""
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    longest_pause = 0.05
    yield
    while time.monotonic() < give_up_at:
        time.sleep(random.uniform(0, longest_pause))  # noqa: S311 - jitter, no secret
        longest_pause = min(2 * longest_pause, 0.4)
        yield


def attempt[Result](operation: Callable[[], Result]) -> Result:
    """Runs one DynamoDB operation, and again with a pause when it may succeed then.

    Raises ConditionFailed, DatabaseUnavailable, or pynamodb's error when the fault is ours.
    """
    faults = 0
    cause: PynamoDBException | None = None
    for _ in tries():
        try:
            return operation()
        except PynamoDBException as error:
            cause = error
            codes = _codes(error)
            if codes & _CONDITION_CODES:
                raise ConditionFailed(_old_item(error)) from error
            if not codes & _CONFLICT_CODES:
                if not (codes & _TRANSIENT_CODES or _never_answered(error)):
                    raise
                faults += 1
                if faults == MOST_FAULTS:
                    break
    raise DatabaseUnavailable from cause


def _codes(error: PynamoDBException) -> set[str]:
    """DynamoDB's codes for what went wrong: of a cancelled transaction, one for each item that cancelled it."""
    reasons = error.cancellation_reasons if isinstance(error, TransactWriteError) else []
    code = error.cause_response_code if isinstance(error.cause, ClientError) else None  # fails over a time-out
    return {reason.code for reason in reasons if reason} or {code or ""}


def _old_item(error: PynamoDBException) -> dict[str, Any] | None:
    client_error = error.cause.__cause__ if error.cause else None  # pynamodb's own wrapper leaves the item out
    item: dict[str, Any] | None = getattr(client_error, "response", {}).get("Item")
    return item


def _refuse_unreadable(response_dict: dict[str, Any], **_: object) -> None:
    """botocore takes what is no JSON for an empty answer, and stumbles over what is no object."""
    body = response_dict["body"]
    is_empty_error = not body and response_dict["status_code"] >= 300  # noqa: PLR2004 - it need not say more
    if not is_empty_error and not _is_json_object(body):
        raise ResponseStreamingError(error="no JSON object")


def _is_json_object(text: bytes) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False


def _never_answered(error: PynamoDBException) -> bool:
    """No connection, no reply in time, or a reply that cannot be read; a 5xx without a code among them."""
    cause = error.cause
    if isinstance(cause, ClientError):
        client_error = cause.__cause__
        status = getattr(client_error, "response", {}).get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return bool(status >= 500)  # noqa: PLR2004
    return isinstance(cause, BotoCoreError) and not isinstance(cause, ParamValidationError)


startup.ahead(lambda: connection().client)
