"""Requests that the gateway refuses itself."""

import signal
import socket
from functools import partial
from http.client import HTTPResponse
from urllib.parse import urlsplit

import httpx
import pytest

from local.stack import Stack
from tests.gateway.refusals import ROUTE_NOT_FOUND, TOO_LARGE, UNAUTHORIZED, UNAVAILABLE, malformed
from tests.system import NOBODYS_ID, Caller, refused_by_gateway, signal_environments

CONTACT = f"/v1/contacts/{NOBODYS_ID}"

UNKNOWN_ROUTES = {
    "GET": [
        *("/", "/v1", "/v1/", "/v2/contacts", "/V1/contacts", f"/local{CONTACT}", "/favicon.ico", "*"),
        *("/v1/contacts/", "/v1//contacts", "/v1//contacts/by-phone", "/v1/contacts/by-phone/"),
        *("/v1/contacts/../../etc/passwd", "/v1/contacts%2Fby-phone", "/v1%2Fcontacts/by-phone", "/%00", "/%FF"),
        *(f"{CONTACT}/", f"{CONTACT}/tags", f"{CONTACT}/tags/c1234567"),
    ],
    "POST": ["/v1/contacts/", "/v1/contacts/by-phone", CONTACT, f"{CONTACT}/tags/", f"{CONTACT}/tags/c1234567"],
    "PATCH": ["/v1/contacts", f"{CONTACT}/", f"{CONTACT}/tags", f"{CONTACT}/tags/c1234567"],
    "DELETE": ["/v1/contacts", f"{CONTACT}/", f"{CONTACT}/tags", f"{CONTACT}/tags/", f"{CONTACT}/tags/c1234567/x"],
    "PUT": ["/v1/contacts", CONTACT, f"{CONTACT}/tags/c1234567"],
    "OPTIONS": ["/v1/contacts", CONTACT],
    "CONNECT": ["127.0.0.1:80"],
    "TRACE": ["/v1/contacts"],
    "BREW": ["/v1/contacts"],
}


@pytest.mark.parametrize(
    ("method", "target"), [(method, target) for method, targets in UNKNOWN_ROUTES.items() for target in targets]
)
def test_an_unknown_route_is_not_found(api: Caller, anonymous: Caller, method: str, target: str) -> None:
    assert refused_by_gateway(api.send(method, target)) == ROUTE_NOT_FOUND
    assert refused_by_gateway(anonymous.send(method, target)) == ROUTE_NOT_FOUND


def test_head_is_an_unknown_method(api: Caller) -> None:
    answer = api.send("HEAD", CONTACT)
    assert (answer.status_code, answer.content) == (404, b"")


@pytest.mark.parametrize("megabytes", [7, 11])
def test_a_body_over_the_limit_is_refused(api: Caller, phone: str, megabytes: int) -> None:
    body = f'{{"phone": "{phone}", "ignored": "{"x" * megabytes * 1024 * 1024}"}}'
    assert refused_by_gateway(api.send("POST", "/v1/contacts", body=body)) == TOO_LARGE
    assert api.send("GET", f"/v1/contacts/by-phone?phone={phone}").status_code == 404


@pytest.mark.parametrize(
    ("target", "headers", "status"),
    [
        (CONTACT, {"X-Large": "x" * 500_000}, 431),
        (CONTACT, {"Authorization": "Bearer " + "x" * 500_000}, 431),
        (CONTACT, {f"X-Header-{number}": "x" for number in range(200)}, 431),
        (f"/v1/contacts/{'c' * 500_000}", {}, 414),
        (f"/v1/contacts/by-phone?phone={'1' * 500_000}", {}, 414),
    ],
    ids=["one header", "the key", "200 headers", "the path", "the query"],
)
def test_a_head_over_the_limit_is_refused(api: Caller, target: str, headers: dict[str, str], status: int) -> None:
    assert refused_by_gateway(api.send("GET", target, headers=headers)) == malformed(status)


@pytest.mark.parametrize(
    "request_",
    [
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",  # TLS
        b"GET /v1/contacts/a b HTTP/1.1\r\n\r\n",
        b"POST /v1/contacts HTTP/1.1\r\nContent-Length: x\r\n\r\n{}",
        b"POST /v1/contacts HTTP/1.1\r\nContent-Length: -1\r\n\r\n{}",
        b"POST /v1/contacts HTTP/1.1\r\nContent-Length: 100\r\n\r\n{}",
        b"POST /v1/contacts HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n{}\r\n0\r\n\r\n",
        b"POST /v1/contacts HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n10\r\n{}",
        b"POST /v1/contacts HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFF\r\nabc",
    ],
)
def test_malformed_http_is_refused(stack: Stack, request_: bytes) -> None:
    assert refused_by_gateway(exchange(stack, request_)) == malformed(400)


@pytest.mark.parametrize("path", [b"/v1/contacts/\xff\xfe", "/v1/contacts/ü".encode(), b"/v1/contacts/\x00\x7f"])
def test_a_path_with_bytes_that_no_url_may_have_is_refused(stack: Stack, path: bytes) -> None:
    answer = exchange(stack, b"GET %s HTTP/1.1\r\n\r\n" % path)
    assert refused_by_gateway(answer) == UNAUTHORIZED


def exchange(stack: Stack, request: bytes) -> httpx.Response:
    """Sends bytes that an HTTP client refuses to send."""
    address = urlsplit(stack.base_url)
    with socket.create_connection((address.hostname, address.port), timeout=30) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        answer = HTTPResponse(connection)
        answer.begin()
        return httpx.Response(answer.status, headers=answer.getheaders(), content=answer.read())


def test_a_refusal_echoes_nothing(stack: Stack, api: Caller, anonymous: Caller) -> None:
    marker = "c0ffee4ever"
    headers = {"X-Request-Id": marker, "Authorization": f"Bearer {marker}", "Cookie": marker, "Origin": marker}
    answers = [
        anonymous.send(method, f"/v1/contacts/{marker}?phone={marker}", headers=headers, json_body={marker: marker})
        for method in ("GET", "PATCH", "PUT", marker.upper())
    ]
    answers.append(api.send("GET", f"/{marker}", headers={"X-Request-Id": marker, "X-Large": marker * 1000}))
    answers.append(exchange(stack, f"GET /{marker} {marker} HTTP/1.1\r\nHost: {marker}\r\n\r\n".encode()))
    assert [answer.status_code for answer in answers] == [401, 401, 404, 404, 431, 400]
    for answer in answers:
        assert marker not in f"{answer.headers}{answer.text}{answer.reason_phrase}"


@pytest.mark.parametrize(("function", "key"), [("get_contact", None), ("authorizer", "sflo_live_" + "A" * 43)])
def test_a_function_that_died_is_a_503_with_retry_after(api: Caller, function: str, key: str | None) -> None:
    send = partial(api.send, "GET", CONTACT, headers={"Authorization": f"Bearer {key or api.key}"})
    usual = send().status_code
    signal_environments(function, signal.SIGKILL)
    first, *_, last = [send() for _ in range(5)]  # each of the at most 4 environments is found dead once
    assert refused_by_gateway(first) == UNAVAILABLE
    assert first.headers["Retry-After"] == "1"
    assert last.status_code == usual
