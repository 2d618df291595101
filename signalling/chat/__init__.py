"""The consultant joined to the server: its messages, its routes, its opening."""
