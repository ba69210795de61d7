"""Request bodies and messages. Only functions that read one import this module: pydantic slows a cold start."""

import json
import re
from datetime import datetime
from typing import Annotated, Any, Literal, Self, override

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError, field_validator
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from contacts import timestamps
from contacts.errors import InvalidParameter
from contacts.phone import normalize_phone
from contacts.resources import Source

LONGEST_DISPLAY_NAME = 128
LONGEST_REASON = 500

_NOT_STORABLE = re.compile("[\0\ud800-\udfff]")


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
    except (ValueError, OverflowError):  # no time, or one whose offset leads out of the years 1 to 9999
        in_utc = None
    if in_utc is None:
        raise PydanticCustomError("no_moment", "Input should be an ISO 8601 time with an offset")
    return min(in_utc, timestamps.now())


Phone = Annotated[str, AfterValidator(normalize_phone)]
DisplayName = Annotated[str, AfterValidator(_storable), AfterValidator(_trimmed)]
Reason = Annotated[str, StringConstraints(max_length=LONGEST_REASON), AfterValidator(_storable)]
Id = Annotated[str, StringConstraints(pattern=r"^c[a-z0-9]{7,31}$")]
Moment = Annotated[str, AfterValidator(_not_in_the_future)]


class RequestBody(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True)

    @classmethod
    def parse(cls, raw: bytes) -> Self:
        """Raises InvalidParameter for the first thing that is wrong; what a caller sent is never repeated in it."""
        try:
            return cls.model_validate(_json_object(raw))
        except ValidationError as error:
            first = error.errors(include_url=False, include_context=False, include_input=False)[0]
            field = str(first["loc"][0])
            raise InvalidParameter(field, f"{field}: {first['msg']}.") from None


def _json_object(raw: bytes) -> dict[str, Any]:
    try:
        value = json.loads(raw.decode(), parse_constant=_refuse_constant)
    except (ValueError, RecursionError):  # no UTF-8, no JSON, a number or a nesting without end
        value = None
    if not isinstance(value, dict):
        raise InvalidParameter("body", "body: Input should be a JSON object in UTF-8.")
    return value


def _refuse_constant(name: str) -> None:
    """Python reads NaN and Infinity, which are no JSON."""
    raise ValueError(name)


class ContactUpsert(RequestBody):
    phone: Phone
    display_name: DisplayName | None = None


class ContactUpdate(RequestBody):
    phone: Any = None
    display_name: DisplayName | None = None

    @field_validator("phone")
    @classmethod
    def refuse_phone(cls, _value: object) -> None:
        raise InvalidParameter(
            "phone", "The phone is the contact's identity: delete the contact and create one with the other phone."
        )

    @property
    def changes(self) -> dict[str, str | None]:
        """The fields that the caller named: null clears one, an absent one stays as it is."""
        return self.model_dump(include={"display_name"}, exclude_unset=True)


class TagAssign(RequestBody):
    tag_id: Id
    reason: Reason | None = None


class Message(RequestBody):
    """What other services put into a queue: the contract's section 6 names its fields in camelCase."""

    model_config = ConfigDict(alias_generator=to_camel)

    tenant_id: Id

    @property
    def log_keys(self) -> dict[str, str]:
        """What the log says of the message: ids, and what it wants."""
        return {"tenant_id": self.tenant_id}


class InboundMessage(Message):
    phone: Phone
    display_name: DisplayName | None = None
    received_at: Moment


class TagCommand(Message):
    contact_id: Id
    tag_id: Id
    action: Literal["ASSIGN", "REMOVE"]
    source: Annotated[Source, Field(strict=False)]
    reason: Reason | None = None
    issued_at: Moment

    @property
    @override
    def log_keys(self) -> dict[str, str]:
        return self.model_dump(include={"tenant_id", "contact_id", "tag_id", "action", "source"}, mode="json")
