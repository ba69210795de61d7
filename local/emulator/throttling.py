"""API Gateway's rate limits: those of the stage, and those of usage plans.

moto keeps the usage plans, where administrators' tools put them. The local gateway enforces them.
"""

import time
from collections.abc import Iterator
from functools import cache
from threading import Lock
from typing import Any

from throttled import RateLimiterType, Throttled
from throttled.rate_limiter import per_sec
from throttled.store import MemoryStore

from local.emulator import aws

_REREAD_SECONDS = 5


class UnknownKey(Exception):
    """No usage plan has an enabled gateway key of this value."""


class LimitReached(Exception):
    pass


class TokenBuckets:
    """Token buckets of one size, each under a name. A bucket gets `rate` tokens per second and holds up to `burst`."""

    def __init__(self, rate: float, burst: int) -> None:
        # GCRA is a token bucket that refills continuously. The library's own token_bucket refills once a second.
        self._limiter = Throttled(
            using=RateLimiterType.GCRA.value, quota=per_sec(int(rate), burst), store=MemoryStore()
        )

    def take(self, name: str) -> None:
        """Raises LimitReached."""
        if self._limiter.limit(name).limited:
            raise LimitReached


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
        self._limits: dict[str, dict[str, TokenBuckets]] = {}
        """By the value of the gateway key, then by method. The limit for all methods together is under ""."""
        self._read_at = float("-inf")

    def admit(self, key: str, method: str) -> None:
        """Counts one request to a method, for example `/v1/things/POST`. Raises UnknownKey, LimitReached."""
        with self._lock:
            if key not in self._limits or time.monotonic() - self._read_at > _REREAD_SECONDS:
                self._limits, self._read_at = dict(self._read()), time.monotonic()
            limits = self._limits.get(key)
        if limits is None:
            raise UnknownKey
        for each in "", method:
            if each in limits:
                limits[each].take(key + each)

    def _read(self) -> Iterator[tuple[str, dict[str, TokenBuckets]]]:
        values = {key["id"]: key["value"] for key in self._list("get_api_keys", includeValues=True) if key["enabled"]}
        for plan in self._list("get_usage_plans"):
            throttles = {"": plan["throttle"]}
            for stage in plan["apiStages"]:
                throttles |= stage.get("throttle", {})
            limits = {method: _buckets_of(each["rateLimit"], each["burstLimit"]) for method, each in throttles.items()}
            for key in self._list("get_usage_plan_keys", usagePlanId=plan["id"]):
                if key["id"] in values:  # moto leaves deleted keys in their plan
                    yield values[key["id"]], limits

    def _list(self, listing: str, **arguments: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401 - passed on
        for page in self._client.get_paginator(listing).paginate(**arguments):
            yield from page["items"]


_buckets_of = cache(TokenBuckets)
"""The same buckets each time that the plans are read, so that they stay as empty as they are."""
