"""A Python client of the Contacts API. README.md shows how to use it."""

from contacts_client.client import Contacts
from contacts_client.errors import (
    Conflict,
    ContactNotFound,
    ContactsError,
    Forbidden,
    InvalidParameter,
    NoAnswer,
    RateLimited,
    ServerError,
    Unauthorized,
)
from contacts_client.objects import BatchResult, Contact, Identity, Tag, TagAssignment

__all__ = [
    "BatchResult",
    "Conflict",
    "Contact",
    "ContactNotFound",
    "Contacts",
    "ContactsError",
    "Forbidden",
    "Identity",
    "InvalidParameter",
    "NoAnswer",
    "RateLimited",
    "ServerError",
    "Tag",
    "TagAssignment",
    "Unauthorized",
]
