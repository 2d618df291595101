"""Stores that outlive a process: documents (SQLite, MongoDB) and Redis clients."""
