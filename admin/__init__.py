"""The operators' command line. Only administrators create tenants, API keys and tags; the API does not."""
