"""Addresses of their own for sessions: `https://session-<id>.<domain>/` by template."""

import re
from typing import Final
from urllib.parse import urlsplit

from matchmaker.model import Session, node_of

PLACEHOLDER: Final = "{id}"

NODE_PLACEHOLDER: Final = "{node}"

NODE_PATTERN: Final = "[a-z0-9._-]{1,63}"

ID_PATTERN: Final = "[a-z0-9]{1,40}"
"""What session ids are made of, so that they fit into a host name."""


class SessionAddresses:
    """
    Makes a session's address and finds the session in a Host header.

    *template* is a URL with `{id}` in its host; empty turns this off. With
    `{node}` in it too, a session has an address as soon as it has a place: one
    that leads to the node which its instance is connected to.
    """

    def __init__(self, template: str) -> None:
        self._template = template
        host = (urlsplit(template).hostname or "") if template else ""
        if template and host.count(PLACEHOLDER) != 1:
            raise ValueError("the session address needs {id} once in its host name")
        pattern = re.escape(host).replace(re.escape(PLACEHOLDER), f"({ID_PATTERN})")
        self._pattern = re.compile(
            pattern.replace(re.escape(NODE_PLACEHOLDER), f"(?:{NODE_PATTERN})")
        )

    def of(self, session: Session) -> str:
        """Return the session's address; empty without a template, or while it has none."""
        address = self._template.replace(PLACEHOLDER, session.id)
        if NODE_PLACEHOLDER not in address:
            return address
        node = node_of(session.pool)
        return address.replace(NODE_PLACEHOLDER, node) if node else ""

    def session_id(self, host_header: str) -> str | None:
        """Return the session that a Host header names, or None; the port does not matter."""
        if not self._template:
            return None
        host = re.sub(r":\d+$", "", host_header.strip()).rstrip(".").lower()
        found = self._pattern.fullmatch(host)
        return found[1] if found else None
