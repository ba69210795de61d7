"""The operators' tools: tenants, their API keys and their tags. The API makes none of these."""
