"""TLS to DynamoDB: whom the clients trust, and when they read the root certificates."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import trustme

from contacts.access import secrets
from contacts.domain.errors import DatabaseUnavailable
from contacts.storage.items import TagItem
from contacts.storage.table import Table, connect, connection
from roots import split
from tests.conftest import use_endpoint
from tests.events import ACME

KEY = TagItem.key(ACME.id, ACME.tag_ids[0])


class Empty(BaseHTTPRequestHandler):
    """DynamoDB that has no items."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def serve(authority: trustme.CA, name: str) -> Iterator[str]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    with ThreadingHTTPServer(("127.0.0.1", 0), Empty) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = Thread(target=server.serve_forever, args=[0.01])
        thread.start()
        try:
            yield f"https://127.0.0.1:{server.server_port}"
        finally:
            close_connections()
            server.shutdown()
            thread.join()


def pools(client: Any) -> Any:
    return client._endpoint.http_session._manager


def close_connections() -> None:
    pools(connection().client).clear()


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def bundle(authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of root certificates that the clients use."""
    file = tmp_path / "roots.pem"
    authority.cert_pem.write_to_path(str(file))
    monkeypatch.setenv("AWS_CA_BUNDLE", str(file))
    return file


def test_the_roots_are_read_when_the_client_is_made_and_never_again(
    authority: trustme.CA, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve(authority, "127.0.0.1") as url:
        use_endpoint(monkeypatch, url)
        connect()
        bundle.unlink()
        for _ in range(2):
            assert Table().read(TagItem, KEY) is None
            close_connections()


def test_from_a_folder_each_root_is_read_when_a_server_needs_it(
    authority: trustme.CA, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    split(bundle)
    bundle.unlink()
    other = trustme.CA()
    with serve(authority, "127.0.0.1") as url, serve(other, "127.0.0.1") as other_url:
        use_endpoint(monkeypatch, url)
        connect()
        assert Table().read(TagItem, KEY) is None
        close_connections()
        use_endpoint(monkeypatch, other_url)
        connect()
        with pytest.raises(DatabaseUnavailable) as caught:
            Table().read(TagItem, KEY)
    assert "unable to get local issuer certificate" in str(caught.value.__cause__)


@pytest.mark.usefixtures("bundle")
def test_a_server_of_another_authority_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with serve(trustme.CA(), "127.0.0.1") as url:
        use_endpoint(monkeypatch, url)
        connect()
        with pytest.raises(DatabaseUnavailable) as caught:
            Table().read(TagItem, KEY)
    assert "unable to get local issuer certificate" in str(caught.value.__cause__)


@pytest.mark.usefixtures("bundle")
def test_a_server_with_another_name_is_refused(authority: trustme.CA, monkeypatch: pytest.MonkeyPatch) -> None:
    with serve(authority, "127.0.0.2") as url:
        use_endpoint(monkeypatch, url)
        connect()
        with pytest.raises(DatabaseUnavailable) as caught:
            Table().read(TagItem, KEY)
    assert "doesn't match" in str(caught.value.__cause__)


def test_without_tls_no_roots_are_read(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle.unlink()
    use_endpoint(monkeypatch, "http://127.0.0.1:9")
    connect()


@pytest.mark.usefixtures("bundle")
def test_secrets_manager_is_trusted_by_the_same_roots(monkeypatch: pytest.MonkeyPatch) -> None:
    use_endpoint(monkeypatch, "https://127.0.0.1:9")
    secrets._client.cache_clear()
    try:
        connect()
        contexts = [pools(each).connection_pool_kw["ssl_context"] for each in (connection().client, secrets._client())]
        assert contexts[0] is contexts[1]
        assert contexts[0].verify_mode == ssl.CERT_REQUIRED
    finally:
        secrets._client.cache_clear()
