"""Writes signing.json, from the words of the contract and nothing of ours: python -m tests.vectors.generate"""

import hmac
import json
import re
from pathlib import Path
from string import ascii_letters, digits

VECTORS = Path(__file__).with_name("signing.json")

DESCRIPTION = [
    "Requests as a client sends them and the X-SigFollow-Signature that each must carry.",
    "canonical = {timestamp}.{method}.{path}[?{query}].{body}, where the path has lost the stage, segments and",
    "pairs are decoded and encoded again as RFC 3986 says, and the pairs are sorted by the UTF-8 bytes of name,",
    "then value; signature = sha256= and the hex of HMAC-SHA256(secret, canonical), the secret taken as text.",
]
SECRET = "2c70e12b7a0646f92279f427c7b38e7334d8e5389cff167a1dc30e73f826b683"
FIRST_TIMESTAMP = 1_767_225_600
UNRESERVED = (ascii_letters + digits + "-._~").encode()  # RFC 3986, section 2.3

CONTACT = "/v1/contacts/cm3contact0ada0sample0001"

# name: (method, path as sent, query as sent, body)
REQUESTS = {
    "no query, no body": ("GET", "/v1/whoami", "", ""),
    "the stage is no part of the path": ("GET", "/dev/v1/whoami", "", ""),
    "a stage, a query and a body": ("POST", "/dev/v1/contacts", "dry=run", '{"phone":"491512345678"}'),
    "a body": ("POST", "/v1/contacts", "", '{"phone":"+49 151 2345678","display_name":"Ada"}'),
    "a body in UTF-8": ("POST", "/v1/contacts", "", '{"phone":"491512345678","display_name":"Zoë 😀"}'),
    "white space in a body counts": ("PATCH", CONTACT, "", ' {\r\n\t"display_name" : null }\n'),
    "a body may hold dots": ("PATCH", CONTACT, "", '{"display_name":"...?a=1."}'),
    "DELETE without a body": ("DELETE", f"{CONTACT}/tags/cm3tag0vip0sample00000001", "", ""),
    "one pair": ("GET", "/v1/contacts/by-phone", "phone=491512345678", ""),
    "a plus in a query is a space": ("GET", "/v1/contacts/by-phone", "phone=+49+151", ""),
    "%20 in a query is a space": ("GET", "/v1/contacts/by-phone", "phone=%2049%20151", ""),
    "%2B in a query is a plus": ("GET", "/v1/contacts/by-phone", "phone=%2B49151", ""),
    "a value holds an equals sign": ("GET", "/v1/contacts/by-phone", "phone=49=151==", ""),
    "an empty value": ("GET", "/v1/contacts/by-phone", "phone=", ""),
    "a name without an equals sign": ("GET", "/v1/contacts/by-phone", "phone", ""),
    "pairs are sorted by name": ("GET", "/v1/whoami", "b=1&a=2&B=3", ""),
    "then by value": ("GET", "/v1/whoami", "a=2&a=10&a=&a=1", ""),
    "the same pair twice": ("GET", "/v1/whoami", "a=1&b=2&a=1", ""),
    "a short name comes before a longer one": ("GET", "/v1/whoami", "a-=1&a=2", ""),
    "sorted before it is encoded": ("GET", "/v1/whoami", "a=%C3%A9&a=~", ""),
    "sorted by UTF-8, not by UTF-16": ("GET", "/v1/whoami", "a=%F0%9F%98%80&a=%EF%AC%80", ""),
    "lower-case escapes": ("GET", "/v1/whoami", "caf%c3%a9=%c3%a9", ""),
    "escapes that nobody needs": ("GET", "/v1/whoami", "%61=%41%2D%2E%5F%7E", ""),
    "reserved characters as they are": ("GET", "/v1/whoami", "a=/?:@!$'()*,[]", ""),
    "an escaped percent sign": ("GET", "/v1/whoami", "a=%2541", ""),
    "an unreserved character escaped in the path": ("GET", "/v1/contacts/cm3%63ontact%2D", "", ""),
    "a slash escaped in the path": ("GET", "/v1/contacts/a%2fb", "", ""),
    "reserved characters in the path": ("GET", "/v1/contacts/a!$&'()*+,;=:@b", "", ""),
    "UTF-8 in the path": ("GET", "/v1/contacts/Zo%C3%AB%F0%9F%98%80", "", ""),
    "a percent sign escaped in the path": ("GET", "/v1/contacts/a%2541", "", ""),
    "a slash at the end": ("GET", "/v1/contacts/", "", ""),
}


def decode(text: str) -> bytes:
    return re.sub(rb"%([0-9A-Fa-f]{2})", lambda escape: bytes([int(escape[1], 16)]), text.encode())


def encode(octets: bytes) -> str:
    return "".join(chr(octet) if octet in UNRESERVED else f"%{octet:02X}" for octet in octets)


def canonical_path(path: str) -> str:
    return "/".join(encode(decode(segment)) for segment in path.removeprefix("/dev").split("/"))


def canonical_query(query: str) -> str:
    pairs = [pair.partition("=") for pair in query.replace("+", "%20").split("&")]
    decoded = sorted((decode(name), decode(value)) for name, _, value in pairs)
    return "&".join(f"{encode(name)}={encode(value)}" for name, value in decoded)


def vector(name: str, timestamp: int, method: str, path: str, query: str, body: str) -> dict[str, str]:
    target = canonical_path(path) + (f"?{canonical_query(query)}" if query else "")
    canonical = f"{timestamp}.{method}.{target}.{body}"
    return {
        "name": name,
        "secret": SECRET,
        "timestamp": str(timestamp),
        "method": method,
        "stage": "dev" if path.startswith("/dev/") else "",
        "path": path,
        "query": query,
        "body": body,
        "canonical": canonical,
        "signature": "sha256=" + hmac.new(SECRET.encode(), canonical.encode(), "sha256").hexdigest(),
    }


if __name__ == "__main__":
    vectors = [vector(name, at, *request) for at, (name, request) in enumerate(REQUESTS.items(), FIRST_TIMESTAMP)]
    VECTORS.write_text(
        json.dumps({"description": DESCRIPTION, "vectors": vectors}, ensure_ascii=False, indent=2) + "\n"
    )
