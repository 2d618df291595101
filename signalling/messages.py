"""
The messages the server reads and writes itself, and the envelope of all others.

A message that is only forwarded stays the bytes it came as. The names are
those of Epic's signalling protocol 1.3.0.
"""

from typing import Annotated, Any, ClassVar, Final, TypeVar

import msgspec
import orjson

from signalling.errors import BadMessage, NotJson, NotText

PROTOCOL_VERSION: Final = "1.3.0"

MAX_ID_LENGTH: Final = 256
"""Characters in an id a peer may choose or name: longer ones are no names but load."""

Json = dict[str, Any]
Id = Annotated[str, msgspec.Meta(max_length=MAX_ID_LENGTH)]
Number = int | float

MessageT = TypeVar("MessageT", bound="Message")


class Message(msgspec.Struct, frozen=True, rename="camel", omit_defaults=False):
    """A message the server acts on or says; fields it does not know are ignored."""

    wire_name: ClassVar[str]


# From peers.


class EndpointId(Message, frozen=True):
    """A streamer says what it wants to be called."""

    wire_name: ClassVar[str] = "endpointId"
    id: Id
    protocol_version: str | None = None


class Subscribe(Message, frozen=True):
    """A player asks for a streamer's picture."""

    wire_name: ClassVar[str] = "subscribe"
    streamer_id: Id


class Unsubscribe(Message, frozen=True):
    """A player has seen enough."""

    wire_name: ClassVar[str] = "unsubscribe"


class ListStreamers(Message, frozen=True):
    """A player asks who there is."""

    wire_name: ClassVar[str] = "listStreamers"


class Ping(Message, frozen=True):
    """A peer asks whether the server is there; *time* comes back untouched."""

    wire_name: ClassVar[str] = "ping"
    time: Number | None = None


class Pong(Message, frozen=True):
    """A peer is there."""

    wire_name: ClassVar[str] = "pong"
    time: Number | None = None


class Stats(Message, frozen=True):
    """A page reports figures of its connection; nobody waits for them."""

    wire_name: ClassVar[str] = "stats"


class DisconnectPlayer(Message, frozen=True):
    """A streamer turns a player out."""

    wire_name: ClassVar[str] = "disconnectPlayer"
    player_id: Id | int
    """A number from engines before 5.5."""
    reason: str | None = None


class StartStreaming(Message, frozen=True):
    """An SFU can be subscribed to."""

    wire_name: ClassVar[str] = "startStreaming"


class StopStreaming(Message, frozen=True):
    """An SFU can no longer be subscribed to."""

    wire_name: ClassVar[str] = "stopStreaming"


# To peers.

IDENTIFY: Final = b'{"type":"identify"}'
STREAMER_DISCONNECTED: Final = b'{"type":"streamerDisconnected"}'


def config(peer_connection_options: Json, *, protocol_version: str | None) -> bytes:
    """Return the first message of every conversation."""
    fields: Json = {"peerConnectionOptions": peer_connection_options}
    if protocol_version is not None:
        fields["protocolVersion"] = protocol_version
    return encode("config", fields)


def endpoint_id_confirm(committed_id: str) -> bytes:
    """Tell a streamer what it is called."""
    return encode("endpointIdConfirm", {"committedId": committed_id})


def streamer_list(ids: list[str]) -> bytes:
    """Tell a player who there is."""
    return encode("streamerList", {"ids": ids})


def subscribe_failed(message: str) -> bytes:
    """Tell a player why it has no streamer."""
    return encode("subscribeFailed", {"message": message})


def player_connected(player_id: str, *, sfu: bool, send_offer: bool | None = None) -> bytes:
    """Tell a streamer of a new player; *send_offer* exists in the Cirrus dialect only."""
    fields: Json = {"playerId": player_id, "dataChannel": True, "sfu": sfu}
    if send_offer is not None:
        fields["sendOffer"] = send_offer
    return encode("playerConnected", fields)


def player_disconnected(player_id: str) -> bytes:
    """Tell a streamer that a player left."""
    return encode("playerDisconnected", {"playerId": player_id})


def player_count(count: int) -> bytes:
    """Tell a page of the Cirrus dialect how many players there are."""
    return encode("playerCount", {"count": count})


def ping(time: int) -> bytes:
    """Ask a player whether it is there; *time* is in Unix seconds."""
    return encode("ping", {"time": time})


def pong(time: Number | None) -> bytes:
    """Answer a peer's `ping` with its own *time*."""
    return encode("pong", {"time": time})


def encode(wire_name: str, fields: Json) -> bytes:
    """Return a message as JSON in UTF-8, `type` first."""
    return _dumps({"type": wire_name, **fields})


def _dumps(message: Json) -> bytes:
    """Return *message* as JSON; orjson reads four times as deep as it writes."""
    try:
        return orjson.dumps(message)
    except orjson.JSONEncodeError as exc:
        raise BadMessage("the message is nested too deeply to be passed on") from exc


# The envelope.


def parse(raw: bytes) -> Json:
    """
    Return the JSON object in *raw*, which has a string under `type`.

    Raises:
        NotJson: *raw* is not JSON in UTF-8.
        BadMessage: It is JSON, but no message.

    """
    try:
        message = orjson.loads(raw)
    except (orjson.JSONDecodeError, RecursionError) as exc:
        raise NotJson("the message is not JSON in UTF-8") from exc
    if type(message) is not dict or type(message.get("type")) is not str:
        raise BadMessage("a message is a JSON object with a string 'type'")
    return message


def parse_binary(raw: bytes) -> Json:
    """
    Return the message in a binary frame, as `parse`.

    Raises:
        NotText: *raw* is not JSON in UTF-8.
        BadMessage: It is JSON, but no message.

    """
    try:
        return parse(raw)
    except NotJson:
        raise NotText("a binary frame must hold JSON in UTF-8") from None


def read(kind: type[MessageT], message: Json) -> MessageT:
    """
    Return *message* as a *kind*, checked field by field.

    Raises:
        BadMessage: A field is missing or of the wrong type; the reason names it.

    """
    try:
        return msgspec.convert(message, kind)
    except msgspec.ValidationError as exc:
        raise BadMessage(f"{kind.wire_name}: {exc}") from exc


# Forwarding: what goes to a streamer says which player it is from.


def player_id_member(player_id: str) -> bytes:
    """Return the id as a member of a JSON object, as compact encoders write it."""
    return b'"playerId":' + orjson.dumps(player_id)


def stamp(raw: bytes, message: Json, member: bytes, player_id: str) -> bytes:
    """Return *raw* saying that it comes from *player_id*, whatever it said before."""
    if "playerId" in message:
        return _dumps({**message, "playerId": player_id})
    return raw.rstrip()[:-1] + b"," + member + b"}"
