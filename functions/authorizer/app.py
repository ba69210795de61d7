"""The API's authorizer: resolves the API key of a request to its tenant and scopes."""

from contacts.access import secrets
from contacts.access.authorizer import authorizer, find_key
from contacts.runtime import settings, startup
from contacts.storage import table
from contacts.storage.items import ApiKeyItem


@authorizer
def handler(key: str) -> ApiKeyItem | None:
    return find_key(key, settings.key_pepper_secret())


startup.finish(table.connect, secrets.connect)
