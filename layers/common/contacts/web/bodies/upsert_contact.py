"""The body of POST /v1/contacts"""

from contacts.parsing.fields import DisplayName, Phone, StrictModel


class ContactUpsert(StrictModel):
    phone: Phone
    display_name: DisplayName | None = None
