"""The log of functions and gateway. After all other tests it is searched for personal data once more."""

import re
from urllib.parse import quote

from local.stack import Stack
from tests import secrecy
from tests.document import OPERATIONS
from tests.system import Caller, Customer, new_phone


def test_no_key_phone_name_or_reason_is_logged(stack: Stack, customer: Customer, anonymous: Caller) -> None:
    for caller in anonymous, *customer.callers.values():
        _put_personal_texts_everywhere(caller, customer.tag_ids[0])
    assert {"Jane Marker", customer.full.key} <= secrecy.texts
    assert secrecy.find(stack.log) == set()

    log = stack.log.read_text()
    assert customer.tenant_id in log
    assert set(re.findall(r'"route":"(.+?)"', log)) == {operation.route for operation in OPERATIONS}


def _put_personal_texts_everywhere(caller: Caller, tag_id: str) -> None:
    phone, name, reason = new_phone(), "Jane Marker", "Because of Jane Marker"
    spelled = f"+{phone[:2]} ({phone[2:5]}) {phone[5:]}"
    secrecy.note([phone, spelled, name, reason, f"Jane\0{phone}"])
    _, contact = caller.call("POST", "/v1/contacts", json_body={"phone": spelled, "display_name": name})
    path = f"/v1/contacts/{contact.get('id', phone)}"
    by_phone, encoded = f"/v1/contacts/{phone}", quote(spelled)
    query = f"name={quote(name)}&cursor={encoded}&limit={phone}"
    for method, target, body in [
        *(
            (each.method, f"{re.sub(r'{.+?}', encoded, each.path)}?{query}", None)  # as ids, too
            for each in OPERATIONS
        ),
        ("POST", "/v1/contacts/batch", {"contacts": [{"phone": spelled, "display_name": name}, {"phone": name}, name]}),
        (
            "POST",
            "/v1/contacts/batch",
            {"contacts": [{"phone": phone, "tags": [{"tag_id": tag_id, "reason": reason}, {"tag_id": phone}]}]},
        ),
        ("POST", "/v1/contacts", {"phone": phone, "display_name": f"Jane\0{phone}"}),
        ("POST", "/v1/contacts", {"phone": name, phone: name}),
        ("POST", "/v1/contacts", [name, spelled]),
        ("GET", f"/v1/contacts/by-phone?phone={encoded}&name={quote(name)}", None),
        ("GET", f"/v1/contacts/by-phone?phone={quote(name)}&key={caller.key}", None),
        ("GET", f"/v1/contacts/by-phone/{encoded}", None),
        ("GET", path, None),
        ("GET", by_phone, None),
        ("GET", f"/v1/contacts/{caller.key}", None),
        ("PATCH", path, {"display_name": name}),
        ("PATCH", path, {"display_name": f"Jane\0{phone}"}),
        ("PATCH", path, {"phone": spelled}),
        ("PATCH", by_phone, {"display_name": name}),
        ("POST", f"{path}/tags", {"tag_id": tag_id, "reason": reason}),
        ("POST", f"{path}/tags", {"tag_id": name, "reason": reason}),
        ("POST", f"{path}/tags", {"tag_id": tag_id, "reason": reason * 50}),
        ("POST", f"{by_phone}/tags", {"tag_id": tag_id, "reason": reason}),
        ("DELETE", f"{path}/tags/{encoded}", None),
        ("DELETE", f"{by_phone}/tags/{caller.key}", None),
        ("DELETE", by_phone, None),
        ("DELETE", f"{path}?name={quote(name)}", {"display_name": name}),
    ]:
        caller.send(method, target, json_body=body, headers={"X-Name": name, "X-Phone": spelled, "Cookie": phone})
    caller.send("POST", "/v1/contacts", body=f'{{"phone": "{spelled}", "display_name": "{name}"')
