"""Whether a request comes from the holder of its key: the checks that a key can ask for, contract section 4."""

import hmac
import ipaddress
import re
import time
from typing import Protocol

from contacts.access.identity import Identity
from contacts.access.secrets import readings
from contacts.access.signatures import canonical_text, sign, signing_secret
from contacts.domain.errors import AddressNotAllowed, SecretUnavailable, SignatureRejected
from contacts.runtime import settings

_MOST_CLOCK_SKEW_SECONDS = 300
_UNIX_SECONDS = re.compile(r"[0-9]{1,12}")


class SignedRequest(Protocol):
    """The parts of a request that its signature covers, and the headers that carry the signature."""

    @property
    def identity(self) -> Identity: ...
    @property
    def signing_version(self) -> int: ...
    @property
    def method(self) -> str: ...
    @property
    def path_text(self) -> str: ...
    @property
    def query_pairs(self) -> list[tuple[str, str]]: ...
    @property
    def raw_body(self) -> bytes: ...
    def header(self, name: str) -> str | None: ...


def check_origin(request: SignedRequest) -> None:
    """Raises SignatureRejected, AddressNotAllowed, SecretUnavailable."""
    if request.identity.require_signature:
        _check_signature(request)
    if request.identity.ip_allowlist:
        _check_address(request.identity)


def _check_signature(request: SignedRequest) -> None:
    timestamp, signature = request.header("X-SigFollow-Timestamp"), request.header("X-SigFollow-Signature")
    if not timestamp or not signature:
        raise SignatureRejected("missing_header")
    if not _UNIX_SECONDS.fullmatch(timestamp) or abs(int(time.time()) - int(timestamp)) > _MOST_CLOCK_SKEW_SECONDS:
        raise SignatureRejected("clock_skew")
    idempotency_key = request.header("Idempotency-Key")
    if idempotency_key == "":  # its text would be that of a request without the header
        raise SignatureRejected("bad_signature")
    text = canonical_text(
        timestamp=timestamp,
        method=request.method,
        path=request.path_text,
        query=request.query_pairs,
        idempotency_key=idempotency_key,
        body=request.raw_body,
    )
    expected = sign(signing_secret(_signing_root(request.signing_version), request.identity.key_id), text)
    if not hmac.compare_digest(signature.lower().encode(errors="replace"), expected.encode()):
        raise SignatureRejected("bad_signature")


def _signing_root(version: int) -> str:
    for versions in readings(settings.signing_root_secret()):
        if version in versions:
            return versions[version]
    raise SecretUnavailable


def _check_address(identity: Identity) -> None:
    address = ipaddress.ip_address(identity.source_ip)
    address = getattr(address, "ipv4_mapped", None) or address
    if not any(address in ipaddress.ip_network(block) for block in identity.ip_allowlist):
        raise AddressNotAllowed
