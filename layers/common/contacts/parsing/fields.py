"""The fields of request bodies and messages, contract sections 2, 3 and 6."""

import re
from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints
from pydantic_core import PydanticCustomError

from contacts.domain.phone import normalize_phone
from contacts.runtime import timestamps

LONGEST_DISPLAY_NAME = 128
LONGEST_REASON = 500


class StrictModel(BaseModel):
    """A number is not taken for text, and a parsed object does not change."""

    model_config = ConfigDict(strict=True, frozen=True)


_NOT_STORABLE = re.compile("[\0\ud800-\udfff]")


def _phone(text: str) -> str:
    try:
        return normalize_phone(text)
    except ValueError as error:
        raise PydanticCustomError("malformed", "{problem}", {"problem": str(error)}) from None


def _storable(text: str) -> str:
    if _NOT_STORABLE.search(text):
        raise PydanticCustomError("not_storable", "Input should have neither NUL characters nor lone surrogates")
    return text


def _trimmed(text: str) -> str | None:
    return text.strip()[:LONGEST_DISPLAY_NAME] or None


def _not_in_the_future(text: str) -> str:
    try:
        moment = datetime.fromisoformat(text)
        in_utc = timestamps.to_text(moment) if moment.tzinfo else None
    except (ValueError, OverflowError):  # malformed, or its offset leads out of the years 1 to 9999
        in_utc = None
    if in_utc is None:
        raise PydanticCustomError("no_moment", "Input should be an ISO 8601 time with an offset")
    return min(in_utc, timestamps.now())


Phone = Annotated[str, AfterValidator(_phone)]
DisplayName = Annotated[str, AfterValidator(_storable), AfterValidator(_trimmed)]
Reason = Annotated[str, StringConstraints(max_length=LONGEST_REASON), AfterValidator(_storable)]
Id = Annotated[str, StringConstraints(pattern=r"^c[a-z0-9]{7,31}$")]
Moment = Annotated[str, AfterValidator(_not_in_the_future)]
"""A time in UTC, as text; a time in the future becomes now."""
