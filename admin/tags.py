"""The tags of a tenant: checks what people write and explains refusals. storage/tags.py does the work."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from admin.audit import audited
from admin.errors import InvalidValue, TagChanged, TagNameTaken, TagNotFound
from admin.tenants import get_tenant
from admin.text import clean
from contacts.domain import errors
from contacts.domain.tag import LONGEST_TAG_NAME, CatalogTag
from contacts.storage import tags
from contacts.storage.tags import TagCatalog, fold, is_tag_name

LONGEST_DESCRIPTION = 500
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")


def create_tag(tenant_id: str, name: str, description: str | None = None, colour: str | None = None) -> CatalogTag:
    """Takes a colour as #rrggbb. Raises InvalidValue, TenantNotFound, TagNameTaken, TagChanged."""
    if colour and not _COLOUR.fullmatch(colour):
        raise InvalidValue(f"{colour!r} is not a colour. Write it as #rrggbb, for example #2e7d32.")
    wanted = _tag_name(name)
    with _refusals(tenant_id, "", wanted):
        return _catalog(tenant_id).create(
            wanted,
            clean("description", description, LONGEST_DESCRIPTION) if description else None,
            colour.lower() if colour else None,
        )


def list_tags(tenant_id: str) -> list[CatalogTag]:
    """All tags by name, deleted ones too. Raises TenantNotFound."""
    return _catalog(tenant_id).all()


def get_tag(tenant_id: str, tag_id: str) -> CatalogTag:
    """Deleted tags too. Raises TenantNotFound, TagNotFound."""
    with _refusals(tenant_id, tag_id):
        return _catalog(tenant_id).get(tag_id)


def rename_tag(tenant_id: str, tag_id: str, name: str) -> CatalogTag:
    """Frees the old name. Raises InvalidValue, TenantNotFound, TagNotFound, TagNameTaken, TagChanged."""
    wanted = _tag_name(name)
    with _refusals(tenant_id, tag_id, wanted):
        return _catalog(tenant_id).rename(tag_id, wanted)


def delete_tag(tenant_id: str, tag_id: str) -> CatalogTag:
    """Contacts that hold the tag keep it until sweep() removes it. Raises TenantNotFound, TagNotFound, TagChanged."""
    with _refusals(tenant_id, tag_id):
        return _catalog(tenant_id).delete(tag_id, audited(tenant_id, "tag.deleted", tag_id))


def _catalog(tenant_id: str) -> TagCatalog:
    return TagCatalog(get_tenant(tenant_id).id)


def _tag_name(text: str) -> str:
    name = clean("tag's name", text, LONGEST_TAG_NAME)
    if not fold(name):
        raise InvalidValue("The tag's name must have at least one visible character.")
    if not is_tag_name(name):
        raise InvalidValue("The tag's name is too long: some of its characters stand for many. Choose a shorter name.")
    return name


@contextmanager
def _refusals(tenant_id: str, tag_id: str, name: str = "") -> Iterator[None]:
    """Turns what the catalog raises into what a person can act on."""
    try:
        yield
    except errors.TagNotFound:
        raise TagNotFound(tenant_id, tag_id) from None
    except tags.TagNameTaken as taken:
        raise TagNameTaken(name, taken.holder.name, taken.holder.id) from None
    except tags.TagChanged:
        raise TagChanged from None
