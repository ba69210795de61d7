"""The operations on the one DynamoDB table. Each retries what can be retried, see retries.py."""

import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import batched
from math import inf
from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, ResponseStreamingError
from pynamodb.attributes import UnicodeAttribute
from pynamodb.connection import Connection
from pynamodb.connection.table import TableConnection
from pynamodb.exceptions import PynamoDBConnectionError
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action
from pynamodb.models import Model
from pynamodb.transactions import TransactWrite

from contacts.domain.errors import DatabaseUnavailable
from contacts.runtime import settings
from contacts.storage.retries import MOST_FAULTS, attempts, retry
from contacts.storage.tls import load_roots

_MOST_KEYS_IN_A_BATCH = 100

type Key = tuple[str, str]
"""Values of `pk` and `sk`."""


class TableItem(Model):
    """One item of the table. All kinds of items share one connection: one client to make, one TLS handshake."""

    class Meta:
        table_name = ""  # _get_connection() sets it
        connect_timeout_seconds = 0.5
        read_timeout_seconds = 1.5
        max_retry_attempts = 0  # retries.py retries

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)

    @classmethod
    def _get_connection(cls) -> TableConnection:
        if TableItem._connection is None:
            TableItem.Meta.table_name = settings.table_name()
            table = super(TableItem, TableItem)._get_connection()
            session = table.connection.session
            session.register("before-parse.dynamodb", _refuse_unreadable)  # type: ignore[arg-type]
            # A fixed User-Agent, because botocore would put its parts together again, twice for each request.
            session.set_default_client_config(Config(user_agent=session.user_agent()))
        return super(TableItem, TableItem)._get_connection()


def connect() -> None:
    """Makes the client and loads its root certificates, which needs no network. The first request would do both."""
    load_roots(connection().client)


def connection() -> Connection:
    return TableItem._get_connection().connection  # noqa: SLF001 - pynamodb has no public way to share one


class Table:
    """The table as one invocation uses it: no request is sent after its deadline."""

    def __init__(self, deadline: float | None = None) -> None:
        """The deadline is in seconds of time.monotonic(). Without one only each operation's own budget counts."""
        self._deadline = deadline

    def seconds_left(self) -> float:
        return inf if self._deadline is None else self._deadline - time.monotonic()

    def attempts(self) -> Iterator[None]:
        """For flows of several operations that start again after a lost race. See retries.attempts()."""
        return attempts(self._deadline)

    def read[Item: TableItem](self, kind: type[Item], key: Key, *, consistent: bool = True) -> Item | None:
        """One GetItem. Raises DatabaseUnavailable."""
        try:
            return self._retry(lambda: kind.get(*key, consistent_read=consistent))
        except kind.DoesNotExist:
            return None

    def batch_read(self, keys: Iterable[Key], *, consistent: bool = True) -> dict[Key, dict[str, Any]]:
        """One BatchGetItem for each 100 keys, and more for keys that DynamoDB leaves unprocessed.

        Returns the raw items that exist. Raises DatabaseUnavailable.
        """
        found: dict[Key, dict[str, Any]] = {}
        for part in batched(dict.fromkeys(keys), _MOST_KEYS_IN_A_BATCH, strict=False):  # no key twice: DynamoDB refuses
            found |= self._batch_read(part, consistent=consistent)
        return found

    def _batch_read(self, keys: Sequence[Key], *, consistent: bool) -> dict[Key, dict[str, Any]]:
        found: dict[Key, dict[str, Any]] = {}
        table = TableItem._get_connection().table_name  # noqa: SLF001
        wanted: Any = [{"pk": pk, "sk": sk} for pk, sk in keys]  # pynamodb's annotation, Sequence[str], is wrong
        faults = 0
        for _ in self.attempts():
            read = partial(connection().batch_get_item, table, wanted, consistent_read=consistent)
            answer = self._retry(read)
            found |= {(item["pk"]["S"], item["sk"]["S"]): item for item in answer["Responses"][table]}
            unprocessed = answer.get("UnprocessedKeys", {}).get(table)
            if not unprocessed:
                return found
            faults = 0 if answer["Responses"][table] else faults + 1
            if faults == MOST_FAULTS:
                break
            wanted = [{name: value["S"] for name, value in key.items()} for key in unprocessed["Keys"]]
        raise DatabaseUnavailable

    def query[Item: TableItem](
        self,
        kind: type[Item],
        pk: str,
        sk: Condition | None = None,
        *,
        limit: int | None = None,
        backward: bool = False,
    ) -> list[Item]:
        """The items of a partition in the order of their `sk`, strongly consistent.

        Takes one Query for each MB. Raises DatabaseUnavailable.
        """
        return self._retry(
            lambda: list(kind.query(pk, sk, consistent_read=True, limit=limit, scan_index_forward=not backward))
        )

    def update[Item: TableItem](self, item: Item, actions: Sequence[Action], condition: Condition) -> Item:
        """One UpdateItem. Returns the new state. Raises ConditionFailed, DatabaseUnavailable."""
        arguments = item.get_update_kwargs_from_instance(
            list(actions), condition=condition, return_values_on_condition_failure="ALL_OLD"
        )
        answer = self._write("UpdateItem", {**arguments, "ReturnValues": "ALL_NEW"})
        return type(item).from_raw_data(answer["Attributes"])

    def put(self, item: TableItem, condition: Condition | None = None) -> None:
        """One PutItem. Raises ConditionFailed, DatabaseUnavailable."""
        arguments = item.get_save_kwargs_from_instance(
            condition=condition, return_values_on_condition_failure="ALL_OLD"
        )
        self._write("PutItem", arguments)

    def delete(self, item: TableItem, condition: Condition) -> None:
        """One DeleteItem. Raises ConditionFailed, DatabaseUnavailable."""
        self._write("DeleteItem", item.get_delete_kwargs_from_instance(condition=condition))

    def transact(self, add_writes: Callable[[TransactWrite], None], token: str) -> None:
        """One TransactWriteItems, which the token makes safe to repeat. Raises ConditionFailed, DatabaseUnavailable."""

        def write() -> None:
            with TransactWrite(connection=connection(), client_request_token=token) as transaction:
                add_writes(transaction)

        self._retry(write)

    def _write(self, operation: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """Model.update() and its like cannot return the item that failed the condition, so this goes below them."""

        def write() -> dict[str, Any]:
            try:
                return connection().dispatch(operation, arguments)
            except (BotoCoreError, ClientError) as error:
                raise PynamoDBConnectionError(cause=error) from error

        return self._retry(write)

    def _retry[Result](self, operation: Callable[[], Result]) -> Result:
        return retry(operation, self._deadline)


def _refuse_unreadable(response_dict: dict[str, Any], **_: object) -> None:
    """botocore takes a body that is not JSON for an empty answer, and fails on JSON that is not an object."""
    body = response_dict["body"]
    is_empty_error = not body and response_dict["status_code"] >= 300  # noqa: PLR2004 - an error may have no body
    if not is_empty_error and not _is_json_object(body):
        raise ResponseStreamingError(error="not a JSON object")


def _is_json_object(text: bytes) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False
