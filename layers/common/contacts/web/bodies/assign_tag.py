"""The body of POST /v1/contacts/{contactId}/tags"""

from contacts.parsing.fields import Id, Reason, StrictModel


class TagAssign(StrictModel):
    tag_id: Id
    reason: Reason | None = None
