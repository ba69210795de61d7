"""API Gateway's usage plans. moto keeps them, where administrators' tools put them. The local gateway enforces them."""

import time
from collections.abc import Iterator
from functools import cache
from threading import Lock

from throttled import RateLimiterType, Throttled
from throttled.rate_limiter import per_sec
from throttled.store import MemoryStore

from local.emulator import aws

_REREAD_SECONDS = 5


class UnknownKey(Exception):
    """No usage plan has an enabled gateway key of this value."""


class LimitReached(Exception):
    pass


def create_rest_api(endpoint: str, name: str, stage: str) -> None:
    """A stage that usage plans can be bound to. It serves no requests: the local gateway does."""
    client = aws.connect("apigateway", endpoint)
    api = client.create_rest_api(name=name, apiKeySource="AUTHORIZER")["id"]
    (root,) = client.get_resources(restApiId=api)["items"]
    method = {"restApiId": api, "resourceId": root["id"], "httpMethod": "GET"}  # a deployment needs a method
    client.put_method(**method, authorizationType="NONE", apiKeyRequired=True)
    client.put_integration(**method, type="MOCK")
    client.create_deployment(restApiId=api, stageName=stage)


class UsagePlans:
    """Reads the plans again after a few seconds, and at once when a request brings an unknown key."""

    def __init__(self, endpoint: str) -> None:
        self._client = aws.connect("apigateway", endpoint)
        self._lock = Lock()
        self._buckets: dict[str, Throttled] = {}
        self._read_at = float("-inf")

    def admit(self, key: str) -> None:
        """Counts one request of the gateway key with this value. Raises UnknownKey, LimitReached."""
        with self._lock:
            if key not in self._buckets or time.monotonic() - self._read_at > _REREAD_SECONDS:
                self._buckets, self._read_at = dict(self._read()), time.monotonic()
            buckets = self._buckets.get(key)
        if buckets is None:
            raise UnknownKey
        if buckets.limit(key).limited:
            raise LimitReached

    def _read(self) -> Iterator[tuple[str, Throttled]]:
        pages = self._client.get_paginator("get_api_keys").paginate(includeValues=True)
        values = {key["id"]: key["value"] for page in pages for key in page["items"] if key["enabled"]}
        for page in self._client.get_paginator("get_usage_plans").paginate():
            for plan in page["items"]:
                limit = plan["throttle"]
                buckets = _buckets_of(limit["rateLimit"], limit["burstLimit"])
                keys = self._client.get_paginator("get_usage_plan_keys").paginate(usagePlanId=plan["id"])
                for key in (key for page in keys for key in page["items"]):
                    if key["id"] in values:  # moto leaves deleted keys in their plan
                        yield values[key["id"]], buckets


@cache
def _buckets_of(rate: float, burst: int) -> Throttled:
    """One token bucket for each key. The rate is in requests per second."""
    # GCRA is a token bucket that refills continuously. The library's own token_bucket refills once a second.
    return Throttled(using=RateLimiterType.GCRA.value, quota=per_sec(int(rate), burst), store=MemoryStore())
