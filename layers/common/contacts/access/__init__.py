"""Who may call: API keys, the authorizer, request signatures and address allowlists."""
