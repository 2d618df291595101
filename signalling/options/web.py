"""Options of what the player port serves over HTTP, and of the proxies before it."""

import json
from pathlib import Path
from typing import Any

from pydantic import Field, field_validator, model_validator

from signalling.options.reading import OptionGroup


class WebSettings(OptionGroup):
    """Options of the page, of HTTPS, and of what other sites may do with them."""

    serve: bool = True
    """Serve the page on the player port."""

    http_root: Path | None = None
    """A folder to serve in place of the built-in page."""

    homepage: str = ""
    """The file of http_root that answers /; by default index.html, or else player.html."""

    additional_routes: dict[str, Path] = Field(default_factory=dict)
    """More folders to serve, as JSON: {"/images": "folder"}."""

    base_path: str = ""
    """The path below which a proxy shows this server, as in /stream; it may strip it or not."""

    https: bool = False
    """Serve players over TLS on https_port."""

    https_port: int = Field(443, ge=0, le=65535)
    """The port for players over TLS; on the command line it switches https on."""

    ssl_key_path: Path = Path("certificates/client-key.pem")
    """The private key in PEM; read again when the file changes and on SIGHUP."""

    ssl_cert_path: Path = Path("certificates/client-cert.pem")
    """The certificate, and after it its chain, in PEM; read again like the key."""

    https_redirect: bool = False
    """With https, send pages of the player port to https_port; sockets stay on both."""

    frame_ancestors: str = "'self'"
    """The sites that may embed the page: sources of CSP, or * for all."""

    content_security_policy: str | None = None
    """The policy of the served page; by default a strict one for the built-in page only."""

    cors: bool = False
    """Let pages of other sites read what the player port answers over HTTP."""

    cors_allowed_origins: str = "*"
    """The sites that cors is for, with commas between; * for all."""

    cors_allowed_methods: str = "GET,HEAD,POST,PUT,DELETE,OPTIONS"
    """The methods that cors is for, with commas between."""

    cors_allowed_headers: str = ""
    """The request headers that cors is for, with commas between; empty: any."""

    cors_credentials: bool = False
    """Let those sites send cookies along; cors_allowed_origins must name them then."""

    rest_api: bool = False
    """Answer Wilbur's REST API below /api; what it can do is at /api/api-definition."""

    @field_validator("additional_routes", mode="before")
    @classmethod
    def _parse_routes(cls, value: Any) -> Any:
        """Take the object itself or a string of JSON."""
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value)
        except ValueError as exc:
            raise ValueError(f"must be a JSON object: {exc}") from None

    @field_validator("base_path")
    @classmethod
    def _with_one_slash(cls, value: str) -> str:
        trimmed = value.strip("/")
        if any(character in trimmed for character in "{}?# "):
            raise ValueError("must be a path of a URL, like /stream")
        return f"/{trimmed}" if trimmed else ""

    @field_validator("frame_ancestors", "content_security_policy")
    @classmethod
    def _one_line(cls, value: str | None) -> str | None:
        if value is not None and any(character in value for character in "\r\n"):
            raise ValueError("must be one line")
        return value

    @field_validator("frame_ancestors")
    @classmethod
    def _one_directive(cls, value: str) -> str:
        if ";" in value:
            raise ValueError("must be a list of sources, like 'self' https://shop.example")
        return value.replace(",", " ")

    @model_validator(mode="after")
    def _named_origins(self) -> "WebSettings":
        if self.cors and self.cors_credentials and "*" in self.cors_allowed_origins:
            raise ValueError("cors_credentials: name the sites in cors_allowed_origins, not *")
        return self


class ProxySettings(OptionGroup):
    """Options of the reverse proxies before this server."""

    reverse_proxy: bool = False
    """Believe X-Forwarded-For, -Proto and -Host on the player ports."""

    reverse_proxy_num_proxies: int = Field(1, ge=1)
    """Proxies before this server; on the command line it switches reverse_proxy on."""

    reverse_proxy_streamers: bool = False
    """Believe those headers on the streamer and SFU ports, too."""

    @property
    def player_hops(self) -> int:
        """Proxies before the player ports."""
        return self.reverse_proxy_num_proxies if self.reverse_proxy else 0

    @property
    def streamer_hops(self) -> int:
        """Proxies before the streamer and SFU ports."""
        return self.player_hops if self.reverse_proxy_streamers else 0
