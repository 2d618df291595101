"""What peers are told about ICE servers, with TURN credentials made for each."""

import base64
import hashlib
import hmac
from collections.abc import Callable

from signalling.messages import Json

CredentialClock = Callable[[], float]
"""Returns Unix seconds."""


def normalised(options: Json) -> Json:
    """
    Return *options* with a list of `urls` at each server: Epic's page rejects a bare string.

    What browsers once called `url` is understood.
    """
    if "iceServers" not in options:
        return options
    return {**options, "iceServers": [_with_url_list(each) for each in options["iceServers"]]}


def _with_url_list(server: Json) -> Json:
    rest = {name: value for name, value in server.items() if name not in {"urls", "url"}}
    urls = server.get("urls", server.get("url"))
    return {"urls": urls if isinstance(urls, list) else [urls], **rest}


def turn_credentials(secret: str, *, peer_id: str, expires_at: int) -> tuple[str, str]:
    """
    Return user name and credential for coturn's `use-auth-secret`.

    Source: draft-uberti-behave-turn-rest-00, section 2.2.
    """
    username = f"{expires_at}:{peer_id}"
    digest = hmac.new(secret.encode(), username.encode(), hashlib.sha1).digest()
    return username, base64.b64encode(digest).decode()


class PeerOptions:
    """Makes a peer's connection options; the same ones without a TURN secret."""

    def __init__(
        self, options: Json, *, turn_secret: str | None, ttl: int, now: CredentialClock
    ) -> None:
        self._options = normalised(options)
        self._turn_secret = turn_secret
        self._ttl = ttl
        self._now = now

    def __call__(self, peer_id: str) -> Json:
        """Return the options of one peer; credentials are good for *ttl* seconds."""
        if self._turn_secret is None or "iceServers" not in self._options:
            return self._options
        username, credential = turn_credentials(
            self._turn_secret, peer_id=peer_id, expires_at=int(self._now()) + self._ttl
        )
        servers = [
            {**server, "username": username, "credential": credential}
            if _is_turn(server)
            else server
            for server in self._options["iceServers"]
        ]
        return {**self._options, "iceServers": servers}


def _is_turn(server: Json) -> bool:
    return any(url.lower().startswith(("turn:", "turns:")) for url in server["urls"])
