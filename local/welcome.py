"""What `make start` says when everything is up."""

import uuid
from dataclasses import dataclass
from typing import Any

import httpx

from local.stack import Stack


@dataclass(frozen=True)
class DemoContacts:
    ada_id: str
    grace_id: str


def add_contacts(stack: Stack) -> DemoContacts:
    """To have somebody to show; the same ones at every start."""
    acme, _ = stack.demo["tenants"]
    with httpx.Client(base_url=stack.base_url, headers=_authorization(acme), timeout=60, trust_env=False) as client:
        ada, grace = (
            client.post("/v1/contacts", json={"phone": phone, "display_name": name}).raise_for_status().json()["id"]
            for phone, name in (("+49 151 2345678", "Ada Lovelace"), ("+1 (212) 555-0147", "Grace Hopper"))
        )
    return DemoContacts(ada, grace)


def introduce(stack: Stack, contacts: DemoContacts) -> None:
    acme, globex = stack.demo["tenants"]
    url = f"{stack.base_url}/v1/contacts"
    ada, tag = f"{url}/{contacts.ada_id}", acme["tags"][0]["id"]
    print(f"\nThe Contacts API answers on {stack.base_url} - Ctrl-C stops it.\n")
    for tenant in acme, globex:
        print(f"  {tenant['name']}, tenant {tenant['tenant_id']}")
        print(f"    full access  {tenant['keys']['full']}\n    read only    {tenant['keys']['read']}")
    print("\n.local/demo.json has all keys and tags. Every request below works as it stands:\n")
    for what, tenant, command in (
        ("a contact by phone, however it is written: 200", acme, f"'{url}/by-phone?phone=+49-151-2345678'"),
        ("the same by id: 200", acme, ada),
        (
            "create, or say that somebody was seen again: 201, from the second time on 200",
            acme,
            f"""{url} -d '{{"phone": "+34 911 23 45 67", "display_name": "Alan Turing"}}'""",
        ),
        ("rename: 200", acme, f"""-X PATCH {ada} -d '{{"display_name": "Ada King"}}'"""),
        (
            f"give the tag {acme['tags'][0]['name']}: 201, when it is there already 200",
            acme,
            f"""{ada}/tags -d '{{"tag_id": "{tag}", "reason": "asked for it"}}'""",
        ),
        ("take the tag away: 200", acme, f"-X DELETE {ada}/tags/{tag}"),
        ("delete another contact: 200, from the second time on 404", acme, f"-X DELETE {url}/{contacts.grace_id}"),
        (f"what is another tenant's is not there for {globex['name']}: 404", globex, ada),
        ("what the key is and may do: 200", acme, f"{stack.base_url}/v1/whoami"),
        (
            "the same request twice, one effect: the second time with Idempotency-Replayed",
            acme,
            f"""-H 'Idempotency-Key: {uuid.uuid4()}' {url} -d '{{"phone": "+81 3 1234 5678"}}'""",
        ),
    ):
        print(f"# {what}\ncurl -i -w '\\n' -H '{_header(tenant)}' {command}\n")
    signed, by_phone = acme["keys"]["signed"], f"{url}/by-phone?phone=+49-151-2345678"
    print(
        "The rest is Python, in another terminal: . .venv/bin/activate\n\n"
        "# a signed request: 200\n"
        f".venv/bin/python -m admin sign GET '{by_phone}' --secret {signed['secret']} |\n"
        f"  curl -i -w '\\n' -H @- -H 'Authorization: Bearer {signed['key']}' '{by_phone}'\n\n"
        "# an inbound message, as other services send them: its sender becomes a contact\n"
        f".venv/bin/python -m admin message send {acme['tenant_id']} '+81 90 1234 5678' --display-name Murasaki\n"
    )


def _header(tenant: dict[str, Any]) -> str:
    return f"Authorization: Bearer {tenant['keys']['full']}"


def _authorization(tenant: dict[str, Any]) -> dict[str, str]:
    name, value = _header(tenant).split(": ")
    return {name: value}
