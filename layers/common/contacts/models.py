"""Request bodies. Only functions with a body import this module: pydantic is a large part of a cold start."""

import re
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints, ValidationError, field_validator
from pydantic_core import PydanticCustomError

from contacts.errors import InvalidParameter
from contacts.phone import normalize_phone

LONGEST_DISPLAY_NAME = 128
LONGEST_REASON = 500

_NOT_STORABLE = re.compile("[\0\ud800-\udfff]")


def _storable(text: str) -> str:
    if _NOT_STORABLE.search(text):
        raise PydanticCustomError("not_storable", "Input should have neither NUL characters nor lone surrogates")
    return text


def _trimmed(text: str) -> str | None:
    return text.strip()[:LONGEST_DISPLAY_NAME] or None


Phone = Annotated[str, AfterValidator(normalize_phone)]
DisplayName = Annotated[str, AfterValidator(_storable), AfterValidator(_trimmed)]
Reason = Annotated[str, StringConstraints(max_length=LONGEST_REASON), AfterValidator(_storable)]
TagId = Annotated[str, StringConstraints(pattern=r"^c[a-z0-9]{7,31}$")]


class RequestBody(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True)

    @classmethod
    def parse(cls, body: dict[str, Any]) -> Self:
        """Raises InvalidParameter for the first thing that is wrong; what a caller sent is never repeated in it."""
        try:
            return cls.model_validate(body)
        except ValidationError as error:
            first = error.errors(include_url=False, include_context=False, include_input=False)[0]
            field = str(first["loc"][0])
            raise InvalidParameter(field, f"{field}: {first['msg']}.") from None


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
    tag_id: TagId
    reason: Reason | None = None
