from dataclasses import asdict
from typing import Annotated, Any

import typer

from admin.errors import InvalidValue
from admin.tags import list_tags
from admin.tenants import get_tenant
from admin.terminal import Json, TenantId, show
from contacts.domain.contact import ContactWithTags
from contacts.domain.phone import normalize_phone
from contacts.domain.source import Source
from contacts.runtime.identifiers import is_id
from contacts.storage.contacts import ContactRepository

app = typer.Typer(no_args_is_help=True, help="A tenant's contacts.")

Contact = Annotated[str, typer.Argument(help="The contact's id or phone.")]


@app.command("show")
def show_(tenant_id: TenantId, contact: Contact, *, as_json: Json = False) -> None:
    """Show a contact and its tags."""
    record = asdict(_find(tenant_id, contact))
    tags = {tag.id: tag for tag in list_tags(tenant_id)}
    assignments = [
        {"tag_name": tag and tag.name, "tag_deleted_at": tag and tag.deleted_at} | each
        for each in record.pop("tag_assignments")
        for tag in [tags.get(each["tag_id"])]
    ]
    if as_json:
        show(record | {"tag_assignments": assignments}, as_json=True)
    else:
        show(record | {"phone": _international(record["phone"])})
        typer.echo("\nTags")
        show([_row(each) for each in assignments])


@app.command()
def untag(
    tenant_id: TenantId,
    contact: Contact,
    tag_id: Annotated[str, typer.Argument(help="The tag's id. `contact show` shows it.")],
    *,
    as_json: Json = False,
) -> None:
    """Remove a tag from one contact, whatever source assigned it."""
    found = _find(tenant_id, contact)
    held_it = any(each.tag_id == tag_id for each in found.tag_assignments)
    ContactRepository(tenant_id).remove_tag(found.id, tag_id, Source.MANUAL_ADMIN)
    show({"contact_id": found.id, "tag_id": tag_id, "held_it": held_it}, as_json=as_json)


def _row(assignment: dict[str, Any]) -> dict[str, Any]:
    """Leaves out the contact, which is the same in all rows."""
    name = f"{assignment['tag_name']} (deleted)" if assignment["tag_deleted_at"] else assignment["tag_name"]
    return {"tag": name} | {key: assignment[key] for key in ("tag_id", "source", "reason", "created_at", "updated_at")}


def _find(tenant_id: str, contact: str) -> ContactWithTags:
    """Raises TenantNotFound, ContactNotFound, or InvalidValue if it is neither an id nor a phone."""
    contacts = ContactRepository(get_tenant(tenant_id).id)
    if is_id(contact):
        return contacts.get(contact)
    try:
        phone = normalize_phone(contact)
    except ValueError as error:
        raise InvalidValue(f"phone {error} Pass the contact's id or its phone.") from None
    return contacts.get_by_phone(phone)


def _international(phone: str) -> str:
    """In the notation of its country if no digit is lost: `phonenumbers` drops digits that it does not expect."""
    import phonenumbers  # noqa: PLC0415 - most commands need none

    try:
        number = phonenumbers.parse(f"+{phone}")
    except phonenumbers.NumberParseException:
        return phone
    written = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL)
    return written if normalize_phone(written) == phone else phone
