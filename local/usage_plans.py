"""API Gateway's usage plans: kept in moto, where the administrators' tools put them, enforced by the local gateway."""

import time
from collections.abc import Iterator
from functools import cache
from threading import Lock

from throttled import RateLimiterType, Throttled
from throttled.rate_limiter import per_sec
from throttled.store import MemoryStore

from local import aws

_KNOWN_FOR_SECONDS = 5


class UnknownKey(Exception):
    """No usage plan has an enabled gateway key of this value."""


class LimitReached(Exception):
    pass


def create_rest_api(endpoint: str, name: str, stage: str) -> None:
    """Something to bind plans to. Requests go to the local gateway, not here."""
    client = aws.connect("apigateway", endpoint)
    api = client.create_rest_api(name=name, apiKeySource="AUTHORIZER")["id"]
    (root,) = client.get_resources(restApiId=api)["items"]
    method = {"restApiId": api, "resourceId": root["id"], "httpMethod": "GET"}  # without one nothing is deployed
    client.put_method(**method, authorizationType="NONE", apiKeyRequired=True)
    client.put_integration(**method, type="MOCK")
    client.create_deployment(restApiId=api, stageName=stage)


class UsagePlans:
    """What they say is read again when it is some seconds old, and when an unknown key comes."""

    def __init__(self, endpoint: str) -> None:
        self._client = aws.connect("apigateway", endpoint)
        self._lock = Lock()
        self._buckets: dict[str, Throttled] = {}
        self._read_at = float("-inf")

    def admit(self, key: str) -> None:
        """One request of the gateway key with this value. Raises UnknownKey, LimitReached."""
        with self._lock:
            if key not in self._buckets or time.monotonic() - self._read_at > _KNOWN_FOR_SECONDS:
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
                    if key["id"] in values:  # moto leaves deleted ones in their plan
                        yield values[key["id"]], buckets


@cache
def _buckets_of(rate: float, burst: int) -> Throttled:
    """One for each key, with requests per second as the rate."""
    # GCRA is a token bucket that fills all the time; the library's own token_bucket fills once a second.
    return Throttled(using=RateLimiterType.GCRA.value, quota=per_sec(int(rate), burst), store=MemoryStore())
