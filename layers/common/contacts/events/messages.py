"""The messages that other services put into the queues, contract section 6. Their fields are in camelCase."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field
from pydantic.alias_generators import to_camel

from contacts.domain.source import Source
from contacts.parsing.fields import DisplayName, Id, Moment, Phone, Reason, StrictModel


class Message(StrictModel):
    model_config = ConfigDict(alias_generator=to_camel)

    tenant_id: Id

    @property
    def log_keys(self) -> dict[str, str]:
        """The ids in the message, and what it asks for."""
        safe = {"tenant_id", "contact_id", "tag_id", "action", "source"}
        return self.model_dump(include=safe, mode="json")


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
