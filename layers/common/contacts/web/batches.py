"""POST /v1/contacts/batch, contract section 8: from the body to the contacts that are wanted, and back."""

from collections import Counter
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from contacts.domain.errors import ContactsError, InvalidParameter
from contacts.domain.phone import FindAlias
from contacts.parsing.json import check
from contacts.runtime.observability import logger
from contacts.storage.batches import Outcome, Wish
from contacts.storage.contacts import TagWish
from contacts.web.bodies.upsert_contacts import BatchContact, ContactBatch
from contacts.web.response import Response, error_object


def read_wishes(batch: ContactBatch, find_alias: FindAlias) -> list[Wish | ContactsError]:
    """An error takes the place of a malformed item."""
    return [_read_wish(number, item, find_alias) for number, item in enumerate(batch.contacts)]


def batch_response(outcomes: Sequence[Outcome], request_id: str) -> Response:
    results = [_result(outcome, request_id) for outcome in outcomes]
    statuses = Counter(int(result["status"]) for result in results)
    is_done = statuses.keys() <= {HTTPStatus.OK, HTTPStatus.CREATED}
    is_final = max(statuses) < HTTPStatus.INTERNAL_SERVER_ERROR
    return Response(
        HTTPStatus.OK if is_done else HTTPStatus.MULTI_STATUS,
        {"results": results},
        {"Retry-After": "1"} if HTTPStatus.SERVICE_UNAVAILABLE in statuses else {},
        log_keys={"items": {str(status): number for status, number in sorted(statuses.items())}},
        is_final=is_final,
    )


def _read_wish(number: int, item: object, find_alias: FindAlias) -> Wish | ContactsError:
    if not isinstance(item, dict):
        return InvalidParameter(f"contacts[{number}]", f"contacts[{number}]: Input should be a JSON object.")
    try:
        wanted = check(BatchContact, item)
        _refuse_tag_given_twice(wanted)
    except InvalidParameter as error:
        return error
    tags = tuple(TagWish(tag.tag_id, tag.reason) for tag in wanted.tags)
    return Wish(wanted.phone, find_alias(wanted.phone), wanted.display_name, tags)


def _refuse_tag_given_twice(wanted: BatchContact) -> None:
    given: set[str] = set()
    for number, tag in enumerate(wanted.tags):
        if tag.tag_id in given:
            field = f"tags[{number}].tag_id"
            raise InvalidParameter(field, f"{field} names a tag that is already in the list.")
        given.add(tag.tag_id)


def _result(outcome: Outcome, request_id: str) -> dict[str, Any]:
    if isinstance(outcome, ContactsError):
        if outcome.status == HTTPStatus.INTERNAL_SERVER_ERROR:
            logger.error("An item of the batch met a bug", exc_info=outcome.__cause__)
        return {"status": outcome.status, "error": error_object(outcome, request_id)}
    return {"status": HTTPStatus.CREATED if outcome.is_new else HTTPStatus.OK, "contact": outcome.contact}
