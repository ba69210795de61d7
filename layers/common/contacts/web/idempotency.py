"""Idempotency-Key, contract section 4, by the idempotency utility of Powertools."""

from collections.abc import Callable
from hashlib import sha256
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, override

from aws_lambda_powertools.utilities.idempotency import IdempotencyConfig, idempotent_function
from aws_lambda_powertools.utilities.idempotency.exceptions import (
    IdempotencyAlreadyInProgressError,
    IdempotencyInconsistentStateError,
    IdempotencyPersistenceLayerError,
    IdempotencyValidationError,
)
from aws_lambda_powertools.utilities.idempotency.serialization.base import BaseIdempotencySerializer

from contacts.access.signatures import canonical_target
from contacts.domain.errors import IdempotencyKeyReused, RequestInProgress
from contacts.storage.idempotency import IdempotencyRecords
from contacts.web.request import Request
from contacts.web.response import Rendered, Response

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

KEPT_SECONDS = 24 * 60 * 60

type UseCase = Callable[[Request], Response]


def perform_once(use_case: UseCase, request: Request, context: "LambdaContext") -> Response:
    """The answer of the use case, or the kept one. Raises RequestInProgress, IdempotencyKeyReused."""

    def perform(*, call: dict[str, Any]) -> Response:  # noqa: ARG001 - the utility hashes it
        response = use_case(request)
        if not response.is_final:
            raise _NotFinalError(response)
        return response

    perform_idempotently = idempotent_function(
        perform,
        data_keyword_argument="call",
        persistence_store=IdempotencyRecords(request.identity.key_id, request.keeping_deadline),
        config=IdempotencyConfig(
            event_key_jmespath="key",
            payload_validation_jmespath="request",
            expires_after_seconds=KEPT_SECONDS,
            hash_function="sha256",
            lambda_context=context,
        ),
        output_serializer=_Replayable(),
    )
    target = canonical_target(request.path_text, request.query_pairs)
    fingerprint = [request.method, target, sha256(request.raw_body).hexdigest()]
    try:
        response: Response = perform_idempotently(call={"key": request.idempotency_key, "request": fingerprint})
    except (IdempotencyAlreadyInProgressError, IdempotencyInconsistentStateError) as error:
        raise RequestInProgress from error
    except IdempotencyValidationError as error:
        raise IdempotencyKeyReused from error
    except _NotFinalError as error:
        return error.response
    except IdempotencyPersistenceLayerError as error:
        cause = error.__cause__ or error  # our own error, which the utility wrapped
        raise cause from cause.__cause__
    return response


class _NotFinalError(Exception):
    """Makes the utility forget the record instead of keeping the answer."""

    def __init__(self, response: Response) -> None:
        super().__init__()
        self.response = response


class _Replayable(BaseIdempotencySerializer):
    """Keeps the answer as text, so that its repetition has the same bytes."""

    @override
    def to_dict(self, data: Response) -> dict[str, Any]:
        return {"status": data.status, "headers": dict(data.headers), "body": data.body}

    @override
    def from_dict(self, data: dict[str, Any]) -> Response:
        replayed = {"Idempotency-Replayed": "true"}
        return Response(HTTPStatus(data["status"]), Rendered(data["body"]), data["headers"] | replayed)
