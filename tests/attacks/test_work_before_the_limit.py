"""Attacks that cost work before the API key is known, so that no limit of a key can stop them."""

import json
import secrets
import socket
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from local import ROOT
from local.emulator.connection import serve
from local.emulator.gateway import Gateway
from local.emulator.logs import Log
from local.emulator.refusals import Refusals
from local.emulator.template import Template, read_template
from tests.gateway.refusals import THROTTLED
from tests.system import refused_by_gateway

BURST = 5


class Authorizer:
    """Refuses every key. No other function can be called."""

    def __init__(self) -> None:
        self.calls = 0

    def is_debugging(self) -> bool:
        return False

    def invoke(self, name: str, _event: bytes) -> bytes:
        assert name == "Authorizer"
        self.calls += 1
        return json.dumps({"errorMessage": "Unauthorized"}).encode()


@pytest.fixture
def authorizer() -> Authorizer:
    return Authorizer()


@pytest.fixture(scope="module")
def template() -> Template:
    """Its stage allows a burst of 5 requests to each method, and then one a second."""
    limit = {"MethodRateLimit": "1", "MethodBurstLimit": str(BURST)}
    return read_template(ROOT / "template.yaml", {"Stage": "local", **limit})


@pytest.fixture
def client(template: Template, authorizer: Authorizer, tmp_path: Path) -> Iterator[httpx.Client]:
    runtimes: Any = authorizer
    usage_plans: Any = None
    with socket.create_server(("127.0.0.1", 0)) as listener, closing(Log(tmp_path / "log")) as log:
        refusals, port = Refusals(template.rest_api["GatewayResponses"], log), listener.getsockname()[1]
        application = Gateway(template, runtimes, usage_plans, refusals, port).application
        base_url = f"http://127.0.0.1:{port}"
        with serve(application, refusals, listener), httpx.Client(base_url=base_url, trust_env=False) as client:
            yield client


def send(client: httpx.Client, path: str, authorization: str) -> httpx.Response:
    return client.get(path, headers={"Authorization": authorization})


def test_a_flood_of_unknown_keys_is_cut_off_before_the_authorizer(client: httpx.Client, authorizer: Authorizer) -> None:
    started = time.monotonic()
    answers = [send(client, "/v1/whoami", f"Bearer sflo_live_{secrets.token_hex(16)}") for _ in range(400)]
    seconds = time.monotonic() - started
    assert {answer.status_code for answer in answers[:BURST]} == {401}
    refused = [answer for answer in answers if answer.status_code != 401]
    assert len(answers) - len(refused) == authorizer.calls <= BURST + 1 + seconds
    assert [refused_by_gateway(answer) for answer in refused] == [THROTTLED] * len(refused)
    assert {answer.headers["Retry-After"] for answer in refused} == {"1"}


def test_a_key_with_one_two_three_spaces_before_it_is_cut_off_too(client: httpx.Client, authorizer: Authorizer) -> None:
    started = time.monotonic()
    statuses = [send(client, "/v1/whoami", f"Bearer{' ' * n}sflo_live_x").status_code for n in range(1, 101)]
    seconds = time.monotonic() - started
    assert statuses.count(401) == authorizer.calls <= BURST + 1 + seconds
    assert statuses.count(429) == 100 - authorizer.calls


def test_a_flood_of_one_method_leaves_the_others_alone(client: httpx.Client) -> None:
    assert {send(client, "/v1/whoami", f"Bearer {number}").status_code for number in range(20)} == {401, 429}
    assert send(client, "/v1/tags", "Bearer x").status_code == 401
