"""Tags of a tenant's catalog, contract section 7."""

from contacts.domain.resource import resource

LONGEST_TAG_NAME = 50


@resource
class Tag:
    id: str
    name: str
    description: str | None
    colour: str | None
    created_at: str


@resource
class CatalogTag(Tag):
    """What administrators see: deleted tags too."""

    deleted_at: str | None
