"""Addresses of their own for sessions: `https://session-<id>.<domain>/` by template."""

import re
from typing import Final
from urllib.parse import urlsplit

PLACEHOLDER: Final = "{id}"

ID_PATTERN: Final = "[a-z0-9]{1,40}"
"""What session ids are made of, so that they fit into a host name."""


class SessionAddresses:
    """
    Makes a session's address and finds the session in a Host header.

    *template* is a URL with `{id}` in its host; empty turns this off.
    """

    def __init__(self, template: str) -> None:
        self._template = template
        host = (urlsplit(template).hostname or "") if template else ""
        if template and host.count(PLACEHOLDER) != 1:
            raise ValueError("the session address needs {id} once in its host name")
        before, _, after = host.partition(PLACEHOLDER)
        self._pattern = re.compile(f"{re.escape(before)}({ID_PATTERN}){re.escape(after)}")

    def url(self, session_id: str) -> str:
        """Return the session's address; empty without a template."""
        return self._template.replace(PLACEHOLDER, session_id)

    def session_id(self, host_header: str) -> str | None:
        """Return the session that a Host header names, or None; the port does not matter."""
        if not self._template:
            return None
        host = re.sub(r":\d+$", "", host_header.strip()).rstrip(".").lower()
        found = self._pattern.fullmatch(host)
        return found[1] if found else None
