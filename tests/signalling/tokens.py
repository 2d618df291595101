"""JWTs and key sets as an issuer makes them, and upgrades that are refused."""

import time
from dataclasses import dataclass
from typing import Any

import jwt
import orjson
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from tests.signalling.peers import Client

SECRET = "a secret of more than thirty-two bytes"

UPGRADE = {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}

PROXIED = {"X-Forwarded-For": "203.0.113.7"}
"""What a proxy adds: such a peer is not of this machine."""


def token(secret: str = SECRET, *, seconds: float = 86_400, **claims: Any) -> str:
    """Return a JWT signed with HS256 that is good for *seconds*."""
    return jwt.encode({"exp": time.time() + seconds, **claims}, secret, algorithm="HS256")


@dataclass(frozen=True)
class Issuer:
    """A private key and what is published of it."""

    algorithm: str
    kid: str
    key: Any

    @classmethod
    def rsa(cls, kid: str) -> "Issuer":
        """Return an issuer that signs with RS256."""
        return cls("RS256", kid, rsa.generate_private_key(65537, 2048))

    @classmethod
    def ec(cls, kid: str) -> "Issuer":
        """Return an issuer that signs with ES256."""
        return cls("ES256", kid, ec.generate_private_key(ec.SECP256R1()))

    @property
    def jwk(self) -> dict[str, Any]:
        """The public key as a JSON Web Key."""
        algorithm: Any = RSAAlgorithm if self.algorithm == "RS256" else ECAlgorithm
        public = algorithm.to_jwk(self.key.public_key(), as_dict=True)
        return {**public, "kid": self.kid, "alg": self.algorithm, "use": "sig"}

    def token(self, *, seconds: float = 86_400, **claims: Any) -> str:
        """Return a JWT of this issuer."""
        payload = {"exp": time.time() + seconds, **claims}
        return jwt.encode(
            payload, self.key, algorithm=self.algorithm, headers={"kid": self.kid}
        )


def key_set(*issuers: Issuer) -> bytes:
    """Return the key set that publishes the keys of *issuers*."""
    return orjson.dumps({"keys": [issuer.jwk for issuer in issuers]})


class KeyServer:
    """Publishes a key set."""

    def __init__(self) -> None:
        self.body = b"{}"
        self.status = 200
        self.requests = 0
        self.url = ""

    async def answer(self, _request: web.Request) -> web.Response:
        """Answer with what the test put here."""
        self.requests += 1
        return web.Response(body=self.body, status=self.status)


async def refusal(
    client: Client, role: str, query: str = "", **headers: str
) -> tuple[int, str]:
    """Ask for a socket that is refused; return the status and the code of the error."""
    url = client.running.url(role, query).replace("ws://", "http://")
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    async with client.http.get(url, headers={**UPGRADE, **named}) as response:
        if response.status == 101:
            return 101, "switching"
        return response.status, (await response.json())["error"]["code"]
