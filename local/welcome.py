"""What `make start` prints when everything runs."""

import json
import uuid
from dataclasses import dataclass

import httpx

from local.emulator.pages import File
from local.reference.document import Ids, build_document
from local.reference.page import PAGE, build_page
from local.stack import Stack


@dataclass(frozen=True)
class DemoContacts:
    ada_id: str
    grace_id: str


def add_contacts(stack: Stack) -> DemoContacts:
    """Creates the contacts of the requests below. After a restart they are the same ones."""
    acme, _ = stack.demo["tenants"]
    headers = {"Authorization": f"Bearer {acme['keys']['full']}"}
    with httpx.Client(base_url=stack.base_url, headers=headers, timeout=60, trust_env=False) as client:
        ada, grace = (
            client.post("/v1/contacts", json={"phone": phone, "display_name": name}).raise_for_status().json()["id"]
            for phone, name in (("+49 151 2345678", "Ada Lovelace"), ("+1 (212) 555-0147", "Grace Hopper"))
        )
    return DemoContacts(ada, grace)


def build_reference(stack: Stack, contacts: DemoContacts) -> dict[str, File]:
    """The reference page, whose examples are contacts and tags of the first demo tenant, with its API key.

    The form of POST /v1/contacts has somebody who is not among the contacts, so the first request of a visitor creates.
    """
    acme = stack.demo["tenants"][0]
    ids = Ids(acme["tenant_id"], contacts.ada_id, contacts.grace_id, acme["tags"][0]["id"])
    document = build_document(stack.base_url, ids)
    upsert = document["paths"]["/v1/contacts"]["post"]["requestBody"]["content"]["application/json"]
    upsert["example"] = {"phone": "+1 212 555 0186", "display_name": "Katherine Johnson"}
    return build_page(document, acme["keys"]["full"])


def introduce(stack: Stack, contacts: DemoContacts) -> None:
    acme, globex = stack.demo["tenants"]
    url = f"{stack.base_url}/v1/contacts"
    ada, tag = f"{url}/{contacts.ada_id}", acme["tags"][0]
    by_phone = f"{url}/by-phone?phone=+49-151-2345678"
    batch = {
        "contacts": [
            {"phone": "+44 20 7946 0958", "display_name": "Charles Babbage", "tags": [{"tag_id": tag["id"]}]},
            {"phone": "+33 1 99 00 12 34"},
        ]
    }
    print(f"\nThe Contacts API answers on {stack.base_url} - Ctrl-C stops it.\n")
    print(f"  reference, to read and to try: {stack.base_url}{PAGE}\n")
    for tenant in acme, globex:
        print(f"  {tenant['name']}, tenant {tenant['tenant_id']}")
        print(f"    full access  {tenant['keys']['full']}\n    read only    {tenant['keys']['read']}")
    print(
        "\n.local/demo.json has all keys and tags. For the samples of the reference and of README.md:\n"
        f"export CONTACTS_URL={stack.base_url} CONTACTS_KEY={acme['keys']['full']} TAG_ID={tag['id']}\n\n"
        "Copy any of these requests:\n"
    )
    for title, tenant, request in (
        ("find a contact by phone, in any notation: 200", acme, f"'{by_phone}'"),
        ("the same contact by id: 200", acme, ada),
        (
            "create a contact, or update when it was last seen: 201, from the second time on 200",
            acme,
            f"""{url} -d '{{"phone": "+34 911 23 45 67", "display_name": "Alan Turing"}}'""",
        ),
        ("rename a contact: 200", acme, f"""-X PATCH {ada} -d '{{"display_name": "Ada King"}}'"""),
        (
            f"assign the tag {tag['name']}: 201, if it is already assigned 200",
            acme,
            f"""{ada}/tags -d '{{"tag_id": "{tag["id"]}", "reason": "asked for it"}}'""",
        ),
        ("list the tags that can be assigned: 200", acme, f"{stack.base_url}/v1/tags"),
        (
            "create or update up to 100 contacts with their tags: 200",
            acme,
            f"{url}/batch -d '{json.dumps(batch)}'",
        ),
        (
            "list all contacts with their tags, two at a time; &cursor= and nextCursor continue: 200",
            acme,
            f"'{url}?limit=2'",
        ),
        (
            "a cursor that stands at now: 200; then ?cursor= and nextCursor show what changes from now on",
            acme,
            f"{stack.base_url}/v1/changes",
        ),
        ("remove the tag: 200", acme, f"-X DELETE {ada}/tags/{tag['id']}"),
        ("delete another contact: 200, from the second time on 404", acme, f"-X DELETE {url}/{contacts.grace_id}"),
        (f"{globex['name']} cannot see the contacts of {acme['name']}: 404", globex, ada),
        ("what the key is and may do: 200", acme, f"{stack.base_url}/v1/whoami"),
        (
            "send this twice: it is done once, the second answer has the header Idempotency-Replayed",
            acme,
            f"""-H 'Idempotency-Key: {uuid.uuid4()}' {url} -d '{{"phone": "+81 3 1234 5678"}}'""",
        ),
    ):
        print(f"# {title}\ncurl -i -w '\\n' -H 'Authorization: Bearer {tenant['keys']['full']}' {request}\n")
    signed = acme["keys"]["signed"]
    print(
        "These need Python, in another terminal in this directory:\n\n"
        "# a signed request: 200\n"
        f".venv/bin/python -m admin sign GET '{by_phone}' --secret {signed['secret']} |\n"
        f"  curl -i -w '\\n' -H @- -H 'Authorization: Bearer {signed['key']}' '{by_phone}'\n\n"
        "# an inbound message, as another service sends it: its sender becomes a contact\n"
        f".venv/bin/python -m admin message send {acme['tenant_id']} '+81 90 1234 5678' --display-name Murasaki\n"
    )
