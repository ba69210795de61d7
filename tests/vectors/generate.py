"""Writes signing.json from the wording of the contract, without the layer's code: python -m tests.vectors.generate"""

import hmac
import json
import re
from hashlib import sha256
from pathlib import Path
from string import ascii_letters, digits
from typing import NamedTuple

VECTORS = Path(__file__).with_name("signing.json")

DESCRIPTION = [
    "Requests as a client sends them, and the X-SigFollow-Signature that each must have. `idempotencyKey` is null if",
    "there is no such header. The body is UTF-8, the secret is used as text.",
    "canonical = {timestamp}.{method}.{path}[?{query}].{idempotency key}.{hex SHA-256 of the body}",
    "signature = sha256= and the hex HMAC-SHA256 of canonical, keyed with the secret. docs/signing.md has the rules.",
]
SECRET = "2c70e12b7a0646f92279f427c7b38e7334d8e5389cff167a1dc30e73f826b683"
FIRST_TIMESTAMP = 1_767_225_600
UNRESERVED = (ascii_letters + digits + "-._~").encode()  # RFC 3986, section 2.3

CONTACT = "/v1/contacts/cm3contact0ada0sample0001"
TAG = f"{CONTACT}/tags/cm3tag0vip0sample00000001"


class Request(NamedTuple):
    """Path and query as they are sent."""

    method: str
    path: str
    query: str = ""
    body: str = ""
    idempotency_key: str | None = None


REQUESTS = {
    "no query, no body": Request("GET", "/v1/whoami"),
    "the stage is not part of the path": Request("GET", "/dev/v1/whoami"),
    "a stage, a query and a body": Request("POST", "/dev/v1/contacts", "dry=run", '{"phone":"491512345678"}'),
    "a body": Request("POST", "/v1/contacts", "", '{"phone":"+49 151 2345678","display_name":"Ada"}'),
    "a body in UTF-8": Request("POST", "/v1/contacts", "", '{"phone":"491512345678","display_name":"Zoë 😀"}'),
    "white space in a body counts": Request("PATCH", CONTACT, "", ' {\r\n\t"display_name" : null }\n'),
    "a body with dots": Request("PATCH", CONTACT, "", '{"display_name":"...?a=1."}'),
    "a body with one dot": Request("POST", "/v1/contacts", "", "."),
    "a body with a line break only": Request("POST", "/v1/contacts", "", "\n"),
    "DELETE without a body": Request("DELETE", TAG),
    "an Idempotency-Key": Request("DELETE", CONTACT, idempotency_key="5f3c1f0e-retry"),
    "an Idempotency-Key, a query and a body": Request(
        "POST", "/v1/contacts", "match=alias", '{"phone":"491512345678"}', "5f3c1f0e-retry"
    ),
    "an Idempotency-Key with dots": Request("DELETE", CONTACT, idempotency_key="order.2026.01"),
    "an Idempotency-Key with reserved characters": Request("DELETE", CONTACT, idempotency_key="a/b?c=d&e+f%2E!~*'()"),
    "an Idempotency-Key that looks like a hash": Request("DELETE", CONTACT, idempotency_key="." + "0" * 64),
    "the longest Idempotency-Key": Request("DELETE", CONTACT, idempotency_key="~" * 255),
    "GET with an Idempotency-Key": Request("GET", "/v1/whoami", idempotency_key="ignored-but-signed"),
    "one pair": Request("GET", "/v1/contacts/by-phone", "phone=491512345678"),
    "a plus in a query is a space": Request("GET", "/v1/contacts/by-phone", "phone=+49+151"),
    "%20 in a query is a space": Request("GET", "/v1/contacts/by-phone", "phone=%2049%20151"),
    "%2B in a query is a plus": Request("GET", "/v1/contacts/by-phone", "phone=%2B49151"),
    "a dot in a value": Request("GET", "/v1/contacts/by-phone", "phone=4915123.45678"),
    "a value with equals signs": Request("GET", "/v1/contacts/by-phone", "phone=49=151=="),
    "an empty value": Request("GET", "/v1/contacts/by-phone", "phone="),
    "a name without an equals sign": Request("GET", "/v1/contacts/by-phone", "phone"),
    "an empty name": Request("GET", "/v1/whoami", "=a"),
    "pairs are sorted by name": Request("GET", "/v1/whoami", "b=1&a=2&B=3"),
    "the values of one name keep their order": Request("GET", "/v1/whoami", "a=2&b=0&a=10&a=&a=1"),
    "the same values in another order": Request("GET", "/v1/whoami", "a=1&a=&b=0&a=10&a=2"),
    "the same pair twice": Request("GET", "/v1/whoami", "a=1&b=2&a=1"),
    "a short name comes before a longer one": Request("GET", "/v1/whoami", "a-=1&a=2"),
    "sorted before it is encoded": Request("GET", "/v1/whoami", "%C3%A9=1&~=2"),
    "sorted by UTF-8, not by UTF-16": Request("GET", "/v1/whoami", "%F0%9F%98%80=1&%EF%AC%80=2"),
    "lower-case escapes": Request("GET", "/v1/whoami", "caf%c3%a9=%c3%a9"),
    "escapes that are not needed": Request("GET", "/v1/whoami", "%61=%41%2D%2E%5F%7E"),
    "unescaped reserved characters in a query": Request("GET", "/v1/whoami", "a=/?:@!$'()*,[]"),
    "an escaped percent sign in a query": Request("GET", "/v1/whoami", "a=%2541"),
    "an escaped ampersand and equals sign": Request("GET", "/v1/whoami", "a%26b=c%3Dd%26e"),
    "an unreserved character escaped in the path": Request("GET", "/v1/contacts/cm3%63ontact%2D"),
    "an escaped slash in the path": Request("GET", "/v1/contacts/a%2fb"),
    "an escaped question mark in the path": Request("GET", "/v1/contacts/a%3Fb=c"),
    "unescaped reserved characters in the path": Request("GET", "/v1/contacts/a!$&'()*+,;=:@b"),
    "a dot in the path": Request("DELETE", f"{CONTACT}.bak"),
    "UTF-8 in the path": Request("GET", "/v1/contacts/Zo%C3%AB%F0%9F%98%80"),
    "an escaped percent sign in the path": Request("GET", "/v1/contacts/a%2541"),
    "a slash at the end": Request("GET", "/v1/contacts/"),
}


def decode(text: str) -> bytes:
    return re.sub(rb"%([0-9A-Fa-f]{2})", lambda escape: bytes([int(escape[1], 16)]), text.encode())


def encode(octets: bytes) -> str:
    return "".join(chr(octet) if octet in UNRESERVED else f"%{octet:02X}" for octet in octets)


def canonical_path(path: str) -> str:
    return "/".join(encode(decode(segment)) for segment in path.removeprefix("/dev").split("/"))


def canonical_query(query: str) -> str:
    pairs = [pair.partition("=") for pair in query.replace("+", "%20").split("&")]
    values: dict[bytes, list[bytes]] = {}
    for name, _, value in pairs:
        values.setdefault(decode(name), []).append(decode(value))
    return "&".join(f"{encode(name)}={encode(value)}" for name in sorted(values) for value in values[name])


def vector(name: str, timestamp: int, request: Request) -> dict[str, str | None]:
    target = canonical_path(request.path) + (f"?{canonical_query(request.query)}" if request.query else "")
    key = encode((request.idempotency_key or "").encode()).replace(".", "%2E")
    canonical = f"{timestamp}.{request.method}.{target}.{key}.{sha256(request.body.encode()).hexdigest()}"
    return {
        "name": name,
        "secret": SECRET,
        "timestamp": str(timestamp),
        "method": request.method,
        "stage": "dev" if request.path.startswith("/dev/") else "",
        "path": request.path,
        "query": request.query,
        "idempotencyKey": request.idempotency_key,
        "body": request.body,
        "canonical": canonical,
        "signature": "sha256=" + hmac.new(SECRET.encode(), canonical.encode(), "sha256").hexdigest(),
    }


if __name__ == "__main__":
    vectors = [vector(name, at, request) for at, (name, request) in enumerate(REQUESTS.items(), FIRST_TIMESTAMP)]
    VECTORS.write_text(
        json.dumps({"description": DESCRIPTION, "vectors": vectors}, ensure_ascii=False, indent=2) + "\n"
    )
