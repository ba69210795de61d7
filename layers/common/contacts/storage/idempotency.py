"""The records of Idempotency-Keys, as Powertools' idempotency utility stores them: items of our table."""

import time
import uuid
from typing import Any, override

from aws_lambda_powertools.utilities.idempotency import BasePersistenceLayer
from aws_lambda_powertools.utilities.idempotency.exceptions import IdempotencyItemAlreadyExistsError
from aws_lambda_powertools.utilities.idempotency.persistence.datarecord import DataRecord
from pynamodb.exceptions import PynamoDBException

from contacts.domain.errors import DatabaseUnavailable
from contacts.runtime.observability import logger
from contacts.storage.items import IdempotencyRecord
from contacts.storage.retries import ConditionFailed
from contacts.storage.table import Table

_FAILURES = ConditionFailed, DatabaseUnavailable, PynamoDBException


class IdempotencyRecords(BasePersistenceLayer):
    """The records of one API key, as one invocation locks, keeps and releases them.

    A lock names its owner, so a write that is sent again after a lost reply recognises its own lock.
    """

    def __init__(self, key_id: str, deadline: float) -> None:
        """No request is sent after the deadline, in seconds of time.monotonic()."""
        super().__init__()  # type: ignore[no-untyped-call]
        self._key_id = key_id
        self._owner = str(uuid.uuid4())
        self._table = Table(deadline)

    @override
    def _put_record(self, data_record: DataRecord) -> None:
        now = time.time()
        is_free = IdempotencyRecord.pk.does_not_exist()
        is_expired = IdempotencyRecord.expires_at < int(now)  # DynamoDB deletes expired items hours late
        is_abandoned = (IdempotencyRecord.status == "INPROGRESS") & (
            IdempotencyRecord.in_progress_until < int(1000 * now)
        )
        lock = self._record(
            data_record,
            status=data_record.status,
            expires_at=data_record.expiry_timestamp,
            in_progress_until=data_record.in_progress_expiry_timestamp,
            fingerprint=data_record.payload_hash,
            owner=self._owner,
        )
        try:
            self._table.put(lock, is_free | is_expired | is_abandoned)
        except ConditionFailed as failure:
            found = IdempotencyRecord.from_raw_data(failure.old_item or {})
            if found.owner == self._owner:
                return
            kept = DataRecord(
                data_record.idempotency_key,
                status=found.status,
                expiry_timestamp=int(found.expires_at),
                in_progress_expiry_timestamp=int(found.in_progress_until),
                response_data=found.answer or "",
                payload_hash=found.fingerprint,
            )
            self._validate_payload(data_record, kept)
            raise IdempotencyItemAlreadyExistsError(old_data_record=kept) from failure

    @override
    def _update_record(self, data_record: DataRecord) -> None:
        """Never fails: the work is done, and the caller gets its answer even if it could not be kept."""
        actions = [
            IdempotencyRecord.status.set(data_record.status),
            IdempotencyRecord.expires_at.set(data_record.expiry_timestamp or 0),
            IdempotencyRecord.answer.set(data_record.response_data),
        ]
        try:
            self._table.update(self._record(data_record), actions, IdempotencyRecord.owner == self._owner)
        except _FAILURES:
            logger.exception("The answer was not kept")

    @override
    def _delete_record(self, data_record: DataRecord) -> None:
        """Never fails: a lock that stays is free again when the function's timeout has passed."""
        try:
            self._table.delete(self._record(data_record), IdempotencyRecord.owner == self._owner)
        except _FAILURES:
            logger.exception("The lock was not released")

    @override
    def _get_record(self, idempotency_key: str) -> DataRecord:
        raise NotImplementedError("a failed lock returns the record that holds it")

    def _record(self, data_record: DataRecord, **attributes: Any) -> IdempotencyRecord:  # noqa: ANN401 - pynamodb's own
        digest = data_record.idempotency_key.rpartition("#")[2]  # without Powertools' prefix, the function's name
        return IdempotencyRecord(*IdempotencyRecord.key(self._key_id, digest), **attributes)
