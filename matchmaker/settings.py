"""The matchmaker's options."""

import ipaddress
import re
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, Field

from matchmaker.addresses import SessionAddresses
from matchmaker.model import Canary, Policy, Rules, SameUser


def _session_address(template: str) -> str:
    SessionAddresses(template)
    if template and urlsplit(template).scheme not in {"http", "https"}:
        raise ValueError("must begin with https:// or http://")
    return template


def _node_name(name: str) -> str:
    if not re.fullmatch(r"([A-Za-z0-9][A-Za-z0-9._-]{0,62})?", name):
        raise ValueError("must be letters, digits, dots, dashes and underscores, at most 63")
    return name


def _networks(names: list[str]) -> list[str]:
    for name in names:
        try:
            ipaddress.ip_network(name, strict=False)
        except ValueError:
            raise ValueError(f"'{name}' is no address or network like 10.0.0.0/8") from None
    return names


def _web_addresses(urls: list[str]) -> list[str]:
    for url in urls:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError("each must be an address like https://example.com/hook")
    return urls


class CanaryOption(BaseModel):
    """A new version of an application and its share of new sessions."""

    version: str = Field(description="The streamers' version.")
    share: float = Field(ge=0, le=1, description="Part of the users who prefer it.")


class MatchmakerSettings(BaseModel):
    """Options of the matchmaker; durations in seconds."""

    matchmaking: bool = Field(
        default=False, description="Give every user an instance of their own."
    )
    allocation_policy: Policy = Field(
        default=Policy.PACK,
        description="pack fills hosts so that others can be switched off; spread evens load.",
    )
    same_user: SameUser = Field(
        default=SameUser.TAKEOVER,
        description="A second connection of a user with a session: takeover or refuse.",
    )
    host_capacity: int = Field(
        default=4, ge=1, le=64, description="Sessions on a host that does not say itself."
    )
    gpu_ceiling: float = Field(
        default=1.0, gt=0, le=1, description="Hosts whose GPU is busier take no new sessions."
    )
    session_max_duration: float = Field(
        default=1800.0, gt=0, description="Seconds a session may stream."
    )
    session_warning: float = Field(
        default=60.0, ge=0, description="Seconds between the warning and the end."
    )
    session_idle_timeout: float = Field(
        default=0.0, ge=0, description="Seconds without input that end a session; 0: never."
    )
    session_reservation: float = Field(
        default=20.0, gt=0, description="Seconds to subscribe before the place goes back."
    )
    session_grace: float = Field(
        default=30.0, ge=0, description="Seconds a place is kept after the socket broke."
    )
    session_poll_timeout: float = Field(
        default=15.0,
        gt=0,
        description="Seconds after which a waiter that does not poll leaves.",
    )
    session_retention: float = Field(
        default=60.0, ge=0, description="Seconds an ended session can still be read."
    )
    session_records_days: int = Field(
        default=90,
        ge=0,
        le=36_500,
        description="Days the record of an ended session is kept; 0: for ever.",
    )
    session_address: Annotated[str, AfterValidator(_session_address)] = Field(
        default="",
        description="Address of a session, such as https://session-{id}.example.com/; "
        "{node} stands for the node that its instance is connected to.",
    )
    node_name: Annotated[str, AfterValidator(_node_name)] = Field(
        default="",
        description="Name of this node among those that share a Redis, the same after a "
        "restart; empty: its host name and player port.",
    )
    recycle_instances: bool = Field(
        default=False, description="A used instance takes nobody until it joined anew."
    )
    canary: dict[str, CanaryOption] = Field(
        default_factory=dict,
        description='New versions by application: {"game": {"version": "2", "share": 0.1}}.',
    )
    max_queue_length: int = Field(
        default=10_000, ge=0, description="Waiters before requests are refused."
    )
    priority_classes: int = Field(
        default=1, ge=1, le=8, description="Classes of the queue; 0 is served first."
    )
    priority_default: int = Field(
        default=0,
        ge=0,
        le=7,
        description="Class of users for whom nobody names one.",
    )
    queue_push_interval: float = Field(
        default=1.0, gt=0, description="Least seconds between two pushes of places."
    )
    queue_push_rate: int = Field(
        default=2_000, ge=1, description="Most places a node pushes in a second."
    )
    node_lease: float = Field(
        default=15.0, gt=1, description="Seconds after which a silent node counts as dead."
    )
    state_ttl: int = Field(
        default=86_400, ge=60, description="Seconds Redis keeps state that no node renews."
    )
    webhook_urls: Annotated[list[str], AfterValidator(_web_addresses)] = Field(
        default_factory=list, description="Addresses that are told of sessions and instances."
    )
    webhook_secret: str = Field(
        default="", description="Signs webhooks (HMAC-SHA256).", repr=False
    )
    matchmaker_port: int | None = Field(
        default=None, ge=0, le=65_535, description="TCP port for Cirrus servers; none: off."
    )
    matchmaker_host: str = Field(
        default="127.0.0.1", description="Address that the port for Cirrus servers listens on."
    )
    matchmaker_secret: str = Field(
        default="", description="Secret that Cirrus servers must send in connect.", repr=False
    )
    matchmaker_allow: Annotated[list[str], AfterValidator(_networks)] = Field(
        default_factory=lambda: ["127.0.0.0/8", "::1/128"],
        description="Networks that Cirrus servers may connect from.",
    )
    matchmaker_redirects: list[str] = Field(
        default_factory=list,
        description="Names and networks that browsers may be sent to, beside the "
        "address that a Cirrus server connects from.",
    )
    state_store: Literal["auto", "memory", "redis"] = Field(
        default="auto", description="Where sessions live; auto: Redis when redis_url is set."
    )

    def rules(self) -> Rules:
        """Return what the store needs to know."""
        return Rules(
            policy=self.allocation_policy,
            same_user=self.same_user,
            max_duration=self.session_max_duration,
            warning=self.session_warning,
            idle=self.session_idle_timeout,
            reservation=self.session_reservation,
            grace=self.session_grace,
            poll=self.session_poll_timeout,
            retention=self.session_retention,
            lease=self.node_lease,
            host_capacity=self.host_capacity,
            gpu_ceiling=self.gpu_ceiling,
            recycle=self.recycle_instances,
            max_queue=self.max_queue_length,
            canary={
                application: Canary(version=option.version, share=option.share)
                for application, option in self.canary.items()
            },
            state_ttl=self.state_ttl,
        )
