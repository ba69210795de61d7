"""Who calls: the API key behind a request, and where the request came from."""

from contacts.domain.resource import resource


@resource
class Identity:
    """What whoami answers, contract section 4."""

    tenant_id: str
    key_id: str
    name: str
    scopes: tuple[str, ...]
    rate_limit: int
    """Requests per second."""
    batch_rate_limit: int
    """Batches per second."""
    expires_at: str | None
    require_signature: bool
    ip_allowlist: tuple[str, ...]
    source_ip: str
