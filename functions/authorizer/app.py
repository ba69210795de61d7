"""The API's authorizer: resolves the API key of a request to its tenant and scopes."""

from contacts.access.authorizer import authorizer
from contacts.access.keys import hash_key
from contacts.runtime import settings, startup
from contacts.storage.items import ApiKeyItem
from contacts.storage.table import Table, connect


@authorizer
def handler(key: str) -> ApiKeyItem | None:
    return Table().read(ApiKeyItem, ApiKeyItem.key(hash_key(key, settings.key_pepper())))


startup.finish(connect)
