"""The request bodies, contract section 3."""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, field_validator
from pydantic_core import PydanticCustomError

from contacts.domain.contact import TAG_LIMIT
from contacts.parsing.fields import DisplayName, Id, Phone, Reason, StrictModel


class ContactUpsert(StrictModel):
    phone: Phone
    display_name: DisplayName | None = None


class ContactUpdate(StrictModel):
    phone: Any = None
    display_name: DisplayName | None = None

    @field_validator("phone")
    @classmethod
    def refuse_phone(cls, _value: object) -> None:
        raise PydanticCustomError(
            "refused", "The phone is the contact's identity: delete the contact and create one with the other phone."
        )

    @property
    def changes(self) -> dict[str, str | None]:
        """The fields that the caller named: null clears a field, an absent field stays as it is."""
        return self.model_dump(exclude={"phone"}, exclude_unset=True)


class TagAssign(StrictModel):
    tag_id: Id
    reason: Reason | None = None


class ContactBatch(StrictModel):
    """The contacts are checked one by one, because a malformed one refuses itself and not the batch."""

    contacts: Annotated[list[Any], Field(min_length=1, max_length=100)]


def _at_most_20(tags: object) -> object:
    """Refuses a longer list before its entries are checked: pydantic would check millions of malformed ones first."""
    if isinstance(tags, list) and len(tags) > TAG_LIMIT:
        raise PydanticCustomError("too_long", "Input should have at most {limit} entries", {"limit": TAG_LIMIT})
    return tags


class BatchContact(ContactUpsert):
    tags: Annotated[list[TagAssign], BeforeValidator(_at_most_20)] = Field(default_factory=list)
