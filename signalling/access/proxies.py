"""
Who a request comes from, when proxies stand before this server.

Each proxy appends the address it was connected from to X-Forwarded-For, so
of that list only the last entries, as many as there are proxies, are worth
anything: whatever stands before them the client itself may have written.
"""

import ipaddress
from typing import Final

from aiohttp import web

TRUSTED_HOPS: Final = web.AppKey("TRUSTED_HOPS", int)
"""An application's number of proxies; 0, or not set, trusts no header."""


def client_address(request: web.Request) -> str:
    """Return the address that *request* comes from; empty if even the socket has none."""
    for entry in _trusted(request, "X-Forwarded-For"):
        address = _address(entry)
        if address is not None:
            return address
    return request.remote or ""


def client_scheme(request: web.Request) -> str:
    """Return what the client connected with: `http` or `https`."""
    told = _first(request, "X-Forwarded-Proto").lower()
    return {"ws": "http", "wss": "https"}.get(told, told) or request.scheme


def client_host(request: web.Request) -> str:
    """Return the host, and port if it is not the usual one, that the client asked for."""
    return _first(request, "X-Forwarded-Host") or request.host


def _first(request: web.Request, header: str) -> str:
    return next(iter(_trusted(request, header)), "")


def _trusted(request: web.Request, header: str) -> list[str]:
    """Return what trusted proxies wrote into *header*, the one nearest the client first."""
    hops = request.config_dict.get(TRUSTED_HOPS, 0)
    if hops == 0:
        return []
    values = ",".join(request.headers.getall(header, ())).split(",")
    return [value.strip() for value in values if value.strip()][-hops:]


def _address(entry: str) -> str | None:
    """Return the IP address in `1.2.3.4`, `1.2.3.4:5`, `::1` or `[::1]:5`; None if none."""
    host = entry
    if entry.startswith("["):
        host = entry[1:].partition("]")[0]
    elif entry.count(":") == 1:
        host = entry.partition(":")[0]
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return None
