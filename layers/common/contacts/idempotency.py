"""Idempotency-Key, contract section 4: Powertools' utility, with its records kept as items of our table."""

import time
import uuid
from collections.abc import Callable
from hashlib import sha256
from http import HTTPStatus
from typing import Any, override

from aws_lambda_powertools.utilities.idempotency import BasePersistenceLayer, IdempotencyConfig, idempotent_function
from aws_lambda_powertools.utilities.idempotency.exceptions import (
    IdempotencyAlreadyInProgressError,
    IdempotencyInconsistentStateError,
    IdempotencyItemAlreadyExistsError,
    IdempotencyPersistenceLayerError,
    IdempotencyValidationError,
)
from aws_lambda_powertools.utilities.idempotency.persistence.datarecord import DataRecord
from aws_lambda_powertools.utilities.idempotency.serialization.base import BaseIdempotencySerializer
from aws_lambda_powertools.utilities.typing import LambdaContext
from pynamodb.exceptions import PynamoDBException

from contacts.errors import DatabaseUnavailable, IdempotencyKeyReused, RequestInProgress
from contacts.observability import logger
from contacts.requests import Request
from contacts.responses import Rendered, Response
from contacts.tables import ConditionFailed, IdempotencyRecord, delete, put, update

KEPT_SECONDS = 24 * 60 * 60

_FAILURES = ConditionFailed, DatabaseUnavailable, PynamoDBException

type UseCase = Callable[[Request], Response]


def perform_once(use_case: UseCase, request: Request, context: LambdaContext) -> Response:
    """The answer of the use case, or the one that was kept. Raises RequestInProgress, IdempotencyKeyReused."""
    _records.key_id = request.identity.key_id
    _records.owner = str(uuid.uuid4())
    _config.register_lambda_context(context)
    call = {
        "key": request.idempotency_key,
        "request": [request.method, request.path_text, sha256(request.raw_body).hexdigest()],
    }
    try:
        response: Response = _perform(call=call, use_case=use_case, request=request)
    except (IdempotencyAlreadyInProgressError, IdempotencyInconsistentStateError) as error:
        raise RequestInProgress from error
    except IdempotencyValidationError as error:
        raise IdempotencyKeyReused from error
    except IdempotencyPersistenceLayerError as error:
        cause = error.__cause__ or error  # ours, which the utility wrapped
        raise cause from cause.__cause__
    return response


class _Records(BasePersistenceLayer):
    """The records of one API key, locked by one invocation at a time.

    The lock names its owner: a write that is sent again because its reply was lost meets its own lock, not another's.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.key_id = ""
        self.owner = ""

    @override
    def _put_record(self, data_record: DataRecord) -> None:
        now = time.time()
        is_free = IdempotencyRecord.pk.does_not_exist()
        is_expired = IdempotencyRecord.expires_at < int(now)  # DynamoDB removes it hours late
        is_abandoned = (IdempotencyRecord.status == "INPROGRESS") & (
            IdempotencyRecord.in_progress_until < int(1000 * now)
        )
        lock = self._record(
            data_record,
            status=data_record.status,
            expires_at=data_record.expiry_timestamp,
            in_progress_until=data_record.in_progress_expiry_timestamp,
            fingerprint=data_record.payload_hash,
            owner=self.owner,
        )
        try:
            put(lock, is_free | is_expired | is_abandoned)
        except ConditionFailed as failure:
            found = IdempotencyRecord.from_raw_data(failure.old_item or {})
            if found.owner == self.owner:
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
        """Never fails: what was to be done is done, and the caller gets that answer, kept or not."""
        actions = [
            IdempotencyRecord.status.set(data_record.status),
            IdempotencyRecord.expires_at.set(data_record.expiry_timestamp or 0),
            IdempotencyRecord.answer.set(data_record.response_data),
        ]
        try:
            update(self._record(data_record), actions, IdempotencyRecord.owner == self.owner)
        except _FAILURES:
            logger.exception("The answer was not kept")

    @override
    def _delete_record(self, data_record: DataRecord) -> None:
        """Never fails: a lock that stays frees itself when the function's time is over."""
        try:
            delete(self._record(data_record), IdempotencyRecord.owner == self.owner)
        except _FAILURES:
            logger.exception("The lock was not released")

    @override
    def _get_record(self, idempotency_key: str) -> DataRecord:
        raise NotImplementedError("a lock that is refused brings the record along")

    def _record(self, data_record: DataRecord, **attributes: Any) -> IdempotencyRecord:  # noqa: ANN401 - pynamodb's own
        digest = data_record.idempotency_key.rpartition("#")[2]  # without the function's name: a key is all routes'
        return IdempotencyRecord(*IdempotencyRecord.key(self.key_id, digest), **attributes)


class _Replayable(BaseIdempotencySerializer):
    """The answer as text: a caller that repeats itself gets it to the byte."""

    @override
    def to_dict(self, data: Response) -> dict[str, Any]:
        return {"status": data.status, "headers": dict(data.headers), "body": data.body}

    @override
    def from_dict(self, data: dict[str, Any]) -> Response:
        replayed = {"Idempotency-Replayed": "true"}
        return Response(HTTPStatus(data["status"]), Rendered(data["body"]), data["headers"] | replayed)


_records = _Records()  # one, whose key and owner change with each request
_config = IdempotencyConfig(
    event_key_jmespath="key",
    payload_validation_jmespath="request",
    expires_after_seconds=KEPT_SECONDS,
    hash_function="sha256",
)


@idempotent_function(  # type: ignore[untyped-decorator]
    data_keyword_argument="call",
    persistence_store=_records,
    config=_config,
    output_serializer=_Replayable(),
)
def _perform(*, call: dict[str, Any], use_case: UseCase, request: Request) -> Response:  # noqa: ARG001 - hashed
    return use_case(request)
