"""botocore's data in the layer: every operation that a function may call is sent exactly as boto3 sends it."""

from io import BytesIO
from itertools import chain
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore import xform_name
from botocore.awsrequest import AWSPreparedRequest, AWSResponse, HeadersDict
from botocore.config import Config
from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.utils import ArgumentGenerator
from urllib3 import HTTPResponse

from tests.deployed import deployed_resources
from tests.policies import Policies
from trim import OPERATIONS

EVERY_OPERATION = pytest.mark.parametrize(
    ("service", "operation"), [(service, name) for service, names in OPERATIONS.items() for name in sorted(names)]
)


@pytest.fixture(scope="session")
def full() -> Loader:
    return Loader()


@pytest.fixture(scope="session")
def cut(layer: Path) -> Loader:
    return Loader([str(layer / "python" / "botocore" / "data")], include_default_search_paths=False)


def description(loader: Loader, service: str) -> Any:
    return loader.load_service_model(service, "service-2")


def undocumented(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            name: undocumented(each)
            for name, each in value.items()
            if not (name == "documentation" and isinstance(each, str))
        }
    return [undocumented(each) for each in value] if isinstance(value, list) else value


def with_blobs(value: Any) -> Any:
    """Replaces None, which the generator puts in place of blobs."""
    if isinstance(value, dict):
        return {name: with_blobs(each) for name, each in value.items()}
    if isinstance(value, list):
        return [with_blobs(each) for each in value]
    return b"blob" if value is None else value


def sent(loader: Loader, region: str, service: str, operation: str, parameters: dict[str, Any]) -> tuple[Any, ...]:
    """The request as it is sent, without the parts that depend on the time."""
    session = botocore.session.Session()
    session.register_component("data_loader", loader)
    client = session.create_client(
        service,
        region,
        aws_access_key_id="x",
        aws_secret_access_key="x",
        config=Config(parameter_validation=False),  # the generator ignores the limits of lengths
    )
    requests: list[AWSPreparedRequest] = []

    def answer(request: AWSPreparedRequest, **_: object) -> AWSResponse:
        requests.append(request)
        raw = HTTPResponse(BytesIO(b"{}"), preload_content=False)
        return AWSResponse(request.url, 200, HeadersDict(), raw)  # type: ignore[arg-type]

    client.meta.events.register("before-send", answer)  # type: ignore[arg-type]
    getattr(client, xform_name(operation))(**parameters)
    (request,) = requests
    headers: dict[str, bytes] = dict(request.headers)  # type: ignore[arg-type]
    scope = headers["Authorization"].split(b",")[0].split(b"/", 2)[2]
    return request.url, headers["X-Amz-Target"], headers["Content-Type"], scope, request.body


def test_the_layer_has_exactly_the_operations_that_the_policies_allow() -> None:
    granted = chain(*Policies(deployed_resources()).granted.values())
    # SAM adds what the runtime and the pollers need. The poller of the stream needs a grant of ours, too.
    ours = [each for each in granted if each.resources != ["*"] and "/stream/" not in each.resources[0]]
    actions = {action for each in ours for action in each.actions if action.partition(":")[0] in OPERATIONS}
    in_transactions = {"dynamodb:TransactWriteItems"}  # IAM checks the actions of its parts
    assert {f"{service}:{name}" for service, names in OPERATIONS.items() for name in names} == actions | in_transactions


@EVERY_OPERATION
def test_an_operation_and_all_its_shapes_are_described_as_in_botocore(
    full: Loader, cut: Loader, service: str, operation: str
) -> None:
    complete, ours = description(full, service), description(cut, service)
    assert ours["metadata"] == complete["metadata"]
    assert ours["operations"][operation] == undocumented(complete["operations"][operation])
    for name, shape in ours["shapes"].items():
        assert shape == undocumented(complete["shapes"][name])


@pytest.mark.parametrize("region", ["eu-central-1", "us-gov-west-1", "cn-north-1"])
@EVERY_OPERATION
def test_a_request_is_sent_as_by_botocore(full: Loader, cut: Loader, region: str, service: str, operation: str) -> None:
    """With every parameter of the operation, to the right endpoint, with the signature scope of the region."""
    shape: Any = ServiceModel(description(full, service)).operation_model(operation).input_shape
    parameters = with_blobs(ArgumentGenerator(use_member_names=True).generate_skeleton(shape))
    assert sent(cut, region, service, operation, parameters) == sent(full, region, service, operation, parameters)
