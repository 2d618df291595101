"""Who may come in: addresses, origins, tokens, identities, limits."""
