"""Texts into vectors: by models inside wheels, or by a service."""
