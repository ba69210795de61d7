"""The body of PATCH /v1/contacts/{contactId}"""

from typing import Any

from pydantic import field_validator
from pydantic_core import PydanticCustomError

from contacts.parsing.fields import DisplayName, StrictModel


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
