"""The running system and its callers over HTTP, for all tests that go through the gateway."""

import json
import secrets
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Barrier
from typing import Any, cast
from urllib.parse import parse_qsl, unquote

import httpx
import psutil  # type: ignore[import-untyped]
import pytest

from contacts.access.keys import DEFAULT_RATE_LIMIT
from local import ROOT
from local.emulator import aws
from local.stack import SECRETS, Stack, run_stack
from tests import secrecy
from tests.admin_processes import AdminProcesses
from tests.document import check_exchange
from tests.engine.fault_proxy import FaultProxy
from tests.events import REQUEST_ID
from tests.policies import Policies

NOBODYS_ID = "cnobodyhasthisid000000000"
"""A well-formed id that nothing has."""


@dataclass(frozen=True)
class Caller:
    """Sends requests with an API key, or without one."""

    client: httpx.Client
    key: str | None = None

    def send(
        self,
        method: str,
        target: str,
        *,
        json_body: object = None,
        body: str | bytes | None = None,
        headers: Mapping[str, str | bytes | None] | None = None,
    ) -> httpx.Response:
        """Sends the target unchanged, and no header whose value is None.

        Fails if request or answer violate openapi.yaml.
        """
        usual = {"X-Request-Id": REQUEST_ID, "Authorization": self.key and f"Bearer {self.key}"}
        response = self.client.request(
            method,
            "/",
            headers=[
                (name.encode(), value.encode() if isinstance(value, str) else value)
                for name, value in {**usual, **(headers or {})}.items()
                if value is not None
            ],
            content=body if json_body is None else json.dumps(json_body),
            extensions={"target": target.encode()},
        )
        path, _, query = target.partition("?")
        secrecy.note([*unquote(path).split("/"), *(value for _, value in parse_qsl(query))])
        secrecy.note([self.key, body, json_body, response.request.content, response.content])
        check_exchange(method, target, response)
        return response

    def call(self, method: str, target: str, **request: Any) -> tuple[int, Any]:
        """Status and body of the answer."""
        response = self.send(method, target, **request)
        return response.status_code, response.json()


@dataclass(frozen=True)
class Customer:
    """A demo tenant."""

    tenant_id: str
    callers: dict[str, Caller]
    """By the kind of their key, as in demo.json."""
    tag_ids: tuple[str, ...]
    deleted_tag_id: str

    @property
    def full(self) -> Caller:
        return self.callers["full"]


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory, policies: Policies) -> Iterator[Stack]:
    """The running system in its own processes, with an engine in memory. All tests share it."""
    directory = tmp_path_factory.mktemp("local")
    with run_stack(directory, in_memory=True, intercept=partial(_judge, policies)) as stack:
        lift_rate_limit(stack)
        secrecy.note([stack.demo, *json.loads((directory / SECRETS).read_text()).values()])
        yield stack
    assert secrecy.find(*directory.glob("*.log")) == set()


@contextmanager
def _judge(policies: Policies, environment: dict[str, str]) -> Iterator[dict[str, str]]:
    """Puts proxies that refuse as IAM does between the functions and AWS."""
    with ExitStack() as proxies:
        yield environment | {
            name: proxies.enter_context(FaultProxy(environment[name], policies).serving())
            for name in ("AWS_ENDPOINT_URL_DYNAMODB", "AWS_ENDPOINT_URL_SECRETS_MANAGER", "AWS_ENDPOINT_URL_SQS")
        }


def lift_rate_limit(stack: Stack) -> None:
    """Gives all keys a plan with a higher limit, because tests call faster than a key may.

    Keys that are created later get the plan with the usual limit.
    """
    client = aws.connect("apigateway", stack.environment["AWS_ENDPOINT_URL_API_GATEWAY"])
    plan = next(each for each in client.get_usage_plans()["items"] if each["name"].endswith(f"-{DEFAULT_RATE_LIMIT}"))
    lifted = client.create_usage_plan(name="of the tests", throttle={"rateLimit": 1000, "burstLimit": 1000})
    existing = {key["id"] for key in client.get_api_keys()["items"]}  # moto leaves deleted keys in their plan
    for key_id in existing & {key["id"] for key in client.get_usage_plan_keys(usagePlanId=plan["id"])["items"]}:
        client.delete_usage_plan_key(usagePlanId=plan["id"], keyId=key_id)
        client.create_usage_plan_key(usagePlanId=lifted["id"], keyId=key_id, keyType="API_KEY")


@pytest.fixture(scope="session")
def anonymous(stack: Stack) -> Iterator[Caller]:
    with httpx.Client(base_url=stack.base_url, timeout=60, trust_env=False) as client:
        yield Caller(client)


@pytest.fixture(scope="session")
def customers(stack: Stack, anonymous: Caller) -> list[Customer]:
    return [
        Customer(
            tenant["tenant_id"],
            {
                kind: Caller(anonymous.client, key if isinstance(key, str) else key["key"])
                for kind, key in tenant["keys"].items()
            },
            tuple(tag["id"] for tag in tenant["tags"]),
            tenant["deleted_tag_id"],
        )
        for tenant in stack.demo["tenants"]
    ]


@pytest.fixture(scope="session")
def customer(customers: list[Customer]) -> Customer:
    return customers[0]


@pytest.fixture(scope="session")
def api(customer: Customer) -> Caller:
    return customer.full


@pytest.fixture
def phone() -> str:
    return new_phone()


@pytest.fixture
def contact(api: Caller, phone: str) -> dict[str, Any]:
    """A contact of the customer, as POST /v1/contacts has answered it."""
    status, contact = api.call("POST", "/v1/contacts", json_body={"phone": phone, "display_name": "Ada Lovelace"})
    assert status == 201
    return cast("dict[str, Any]", contact)


type Administer = Callable[..., Any]


@pytest.fixture(scope="session")
def administer(stack: Stack, admin_processes: AdminProcesses) -> Administer:
    """Runs `python -m admin` with the arguments and --json, and returns the JSON that it prints."""

    def administer(*arguments: str) -> Any:
        exit_code, output, errors = admin_processes.run(
            *arguments, "--json", directory=ROOT, environment=stack.environment
        )
        assert exit_code == 0, errors
        secrecy.note(output)
        return json.loads(output)

    return administer


def signal_environments(function: str, number: signal.Signals) -> None:
    """Signals every process of the function's execution environments: the emulator and the runtime in it."""
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            if Path(process.cwd()) == ROOT / "functions" / function:
                process.send_signal(number)


def read_items(stack: Stack, **filter_: Any) -> list[dict[str, Any]]:
    """The items of the table, read from the engine. Without the change logs, which follow the writes a moment later."""
    scan = aws.connect("dynamodb", stack.dynamodb_url).get_paginator("scan")
    pages = scan.paginate(TableName=stack.environment["TABLE_NAME"], ConsistentRead=True, **filter_)
    return [item for page in pages for item in page["Items"] if not item["pk"]["S"].endswith("#CHANGES")]


def new_phone() -> str:
    return f"49{secrets.randbelow(10**13):013}"


def at_once[Result](calls: Sequence[Callable[[], Result]]) -> list[Result]:
    """The results of calls that start at the same moment."""
    ready = Barrier(len(calls))

    def start(call: Callable[[], Result]) -> Result:
        ready.wait()
        return call()

    with ThreadPoolExecutor(len(calls)) as threads:
        return list(threads.map(start, calls))


def refused_by_gateway(response: httpx.Response) -> tuple[int, Any]:
    """Status and error of a refusal by the gateway, whose fbtrace_id is the gateway's request id."""
    error = response.json()["error"]
    assert error.pop("fbtrace_id") == response.headers["x-amzn-RequestId"]
    return response.status_code, error
