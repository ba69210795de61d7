"""A Python client of the Contacts API. README.md shows how to use it."""

from contacts_client.client import Contacts
from contacts_client.errors import (
    Conflict,
    ContactNotFound,
    ContactsError,
    CursorExpired,
    Forbidden,
    InvalidParameter,
    NoAnswer,
    RateLimited,
    ServerError,
    Unauthorized,
)
from contacts_client.objects import BatchResult, Change, ChangePage, Contact, Identity, Tag, TagAssignment

__all__ = [
    "BatchResult",
    "Change",
    "ChangePage",
    "Conflict",
    "Contact",
    "ContactNotFound",
    "Contacts",
    "ContactsError",
    "CursorExpired",
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
