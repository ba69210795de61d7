import re
import sys
import time
from pathlib import Path
from typing import Annotated
from urllib.parse import parse_qsl, urlsplit

import typer

from admin.errors import InvalidValue
from admin.secret_store import current_version, find_version
from admin.terminal import Json, show
from contacts.access import signatures

_IDEMPOTENCY_KEY = re.compile(r"[!-~]{1,255}")


def sign(
    method: Annotated[str, typer.Argument(help="For example GET or POST.")],
    url: Annotated[str, typer.Argument(help="The whole URL, or its path and query.")],
    *,
    key_id: Annotated[
        str | None, typer.Option(help="Derive the signing secret of this key id. The key need not exist.")
    ] = None,
    signing_version: Annotated[
        int | None,
        typer.Option(
            min=1, help="The key's signing version, which `key show` shows. [the current version of the root]"
        ),
    ] = None,
    secret: Annotated[
        str | None,
        typer.Option(envvar="CONTACTS_SIGNING_SECRET", help="The signing secret that `key create` showed."),
    ] = None,
    body: Annotated[str | None, typer.Option(help="The exact body.")] = None,
    body_file: Annotated[str | None, typer.Option(help="A file with the exact body; - is standard input.")] = None,
    idempotency_key: Annotated[str | None, typer.Option(help="The Idempotency-Key of the request.")] = None,
    timestamp: Annotated[int | None, typer.Option(min=0, help="In Unix seconds. [now]")] = None,
    as_json: Json = False,
) -> None:
    """Print the headers that sign a request, and its Idempotency-Key if it has one.

    With curl: python -m admin sign GET URL --key-id ID | curl -H @- -H 'Authorization: Bearer ...' URL
    """
    if body is not None and body_file is not None:
        raise InvalidValue("A request has one body. Pass either --body or --body-file.")
    if idempotency_key is not None and not _IDEMPOTENCY_KEY.fullmatch(idempotency_key):
        raise InvalidValue("An Idempotency-Key must have 1 to 255 visible ASCII characters.")
    path, query = _split(url)
    sent_at = str(int(time.time()) if timestamp is None else timestamp)
    try:
        text = signatures.canonical_text(
            timestamp=sent_at,
            method=method.upper(),
            path=path,
            query=query,
            idempotency_key=idempotency_key,
            body=(body or "").encode(errors="surrogateescape") if body_file is None else _read(body_file),
        )
        signature = signatures.sign(_secret(key_id, signing_version, secret), text)
    except UnicodeEncodeError:
        raise InvalidValue("An argument has characters that cannot be written as UTF-8.") from None
    headers = {"X-SigFollow-Timestamp": sent_at, "X-SigFollow-Signature": signature}
    if idempotency_key is not None:
        headers["Idempotency-Key"] = idempotency_key
    if as_json:
        show(headers, as_json=True)
    else:
        typer.echo("\n".join(f"{name}: {value}" for name, value in headers.items()))


def _read(file: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except (OSError, ValueError) as error:  # ValueError: the name has characters that no file name can have
        reason = error.strerror if isinstance(error, OSError) else "the name is malformed"
        raise InvalidValue(f"{file!r} cannot be read: {reason}.") from None


def _split(url: str) -> tuple[str, list[tuple[str, str]]]:
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise InvalidValue(f"{url!r} is not a URL: {error}.") from None
    _, found, path = parts.path.partition("/v1/")  # the stage may come before it
    if not found:
        raise InvalidValue(f"{url!r} is not a URL of the API, whose paths start with /v1/.")
    return f"/v1/{path}", parse_qsl(parts.query, keep_blank_values=True)


def _secret(key_id: str | None, signing_version: int | None, secret: str | None) -> str:
    if key_id:
        root = (
            find_version("signing-root", signing_version)
            if signing_version is not None
            else current_version("signing-root")
        )
        return signatures.signing_secret(root.text, key_id)
    if not secret:
        raise InvalidValue("No signing secret. Pass --key-id or --secret, or set CONTACTS_SIGNING_SECRET.")
    return secret
