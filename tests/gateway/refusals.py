"""Refusals by the gateway itself, without fbtrace_id, which is the gateway's request id."""

from typing import Any


def _refusal(status: int, message: str, kind: str, code: int, details: str) -> tuple[int, dict[str, Any]]:
    return status, {"message": message, "type": kind, "code": code, "error_data": {"details": details}}


UNAUTHORIZED = _refusal(
    401, "Unauthorized", "OAuthException", 190, "The API key is missing, unknown, revoked or expired."
)
FORBIDDEN = _refusal(403, "Forbidden", "OAuthException", 200, "The API key may not do this.")
ROUTE_NOT_FOUND = _refusal(404, "Not found", "GraphMethodException", 100, "There is no such route.")
TOO_LARGE = _refusal(413, "Request too large", "GraphMethodException", 100, "The body is too large.")
THROTTLED = _refusal(429, "Too many requests", "OAuthException", 4, "A rate limit is exceeded.")
UNAVAILABLE = _refusal(
    503, "Service unavailable", "GraphMethodException", 131000, "The request can safely be repeated."
)


def malformed(status: int) -> tuple[int, dict[str, Any]]:
    return _refusal(status, "Invalid parameter", "GraphMethodException", 100, "The request is malformed.")
