"""The body of POST /v1/contacts/batch"""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from contacts.domain.contact import TAG_LIMIT
from contacts.parsing.fields import StrictModel
from contacts.web.bodies.assign_tag import TagAssign
from contacts.web.bodies.upsert_contact import ContactUpsert


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
