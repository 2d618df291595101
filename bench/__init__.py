"""Measures the server beside a bare forwarder: `python -m bench --list`."""
