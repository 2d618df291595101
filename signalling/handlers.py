"""What each message does: one table a role, readable at a glance."""

from collections.abc import Coroutine, Mapping
from typing import Any, Final

import structlog

from signalling import dialect as dialects
from signalling import messages
from signalling.admission import NotAdmitted
from signalling.errors import CloseCode, clip_reason
from signalling.messages import Json
from signalling.registry import Kind, Player, Streamer
from signalling.session import Handler, Phase, PlayerSession, Session, Table
from signalling.streamer_session import SfuSession, StreamerSession

Waiting = Coroutine[Any, Any, None]

log = structlog.get_logger()


# Anybody.


def ping(session: Session, message: Json) -> None:
    """Echo the peer's time."""
    session.link.send(messages.pong(messages.read(messages.Ping, message).time))


def pong(session: Session, message: Json) -> None:
    """Check the answer to our ping; that it came is noted by the session."""
    messages.read(messages.Pong, message)


def stats(session: Session, message: Json) -> None:
    """Take a page's figures; nothing is done with them yet."""
    messages.read(messages.Stats, message)


def pong_of_page(session: PlayerSession, message: Json) -> None:
    """Take a page's answer to our ping, which also tells how old the page is."""
    answer = messages.read(messages.Pong, message)
    session.settle(dialects.of_pong(session.player.dialect, answer.time))


# Players, and SFUs towards the streamer they relay.


def list_streamers(session: PlayerSession | SfuSession, message: Json) -> Waiting:
    """Say who there is."""
    messages.read(messages.ListStreamers, message)
    return _list_streamers(session)


async def _list_streamers(session: PlayerSession | SfuSession) -> None:
    ids = await session.context.admission.visible(session.player)
    if ids is not None:
        session.player.link.send(messages.streamer_list(ids))


def subscribe(session: PlayerSession | SfuSession, message: Json) -> Waiting:
    """Let the player watch a streamer, and first no longer the one it watched."""
    return _subscribe(session, messages.read(messages.Subscribe, message).streamer_id)


async def _subscribe(session: PlayerSession | SfuSession, streamer_id: str) -> None:
    player, context = session.player, session.context
    player.asked = True
    context.registry.disconnect(player)
    try:
        streamer = await context.admission.admit(player, streamer_id)
    except NotAdmitted as exc:
        _tell_failure(player, str(exc))
        return
    if not await _watch(session, streamer):
        _tell_failure(player, f"Streamer {streamer_id} left.")


def _tell_failure(player: Player, reason: str) -> None:
    log.info("subscribe_failed", peer=player.id, reason=reason)
    if player.dialect.tells_failures:
        player.link.send(messages.subscribe_failed(reason))


async def _watch(session: PlayerSession | SfuSession, streamer: Streamer) -> bool:
    """Connect; False if one of the two left while the place was looked for."""
    player, context = session.player, session.context
    if player.id not in context.registry.players or not streamer.streaming:
        await context.admission.left(player)
        return False
    context.registry.connect(player, streamer)
    log.info("subscribed", peer=player.id, streamer=streamer.id)
    return True


def unsubscribe(session: PlayerSession | SfuSession, message: Json) -> Waiting:
    """Let the player watch nobody."""
    messages.read(messages.Unsubscribe, message)
    session.context.registry.disconnect(session.player)
    return session.context.admission.left(session.player)


def to_streamer(session: PlayerSession | SfuSession, message: Json, raw: bytes) -> None:
    """Pass a message to the streamer the player watches, stamped with its id."""
    player = session.player
    streamer = player.streamer
    if streamer is None:
        _without_streamer(session, message, raw)
        return
    streamer.link.send(messages.stamp(raw, message, player.member, player.id))
    # Not by a function, here and in to_player: each call is felt in what a message costs.
    session.context.metrics.forwarded += 1
    if session.context.trace:
        _trace(session, message, streamer.id)


def _without_streamer(session: PlayerSession | SfuSession, message: Json, raw: bytes) -> None:
    if session.player.asked:
        # A candidate that was on its way when the player unsubscribed.
        session.drop("not_subscribed", type=message["type"])
    else:
        session.wait_for(_subscribe_unasked(session, message, raw))


async def _subscribe_unasked(
    session: PlayerSession | SfuSession, message: Json, raw: bytes
) -> None:
    """Older pages never subscribe: they get the first streamer there is."""
    player = session.player
    player.asked = True
    player.offers = player.offers or message["type"] == "offer"
    streamer = await session.context.admission.admit_unasked(player)
    if streamer is None or not await _watch(session, streamer):
        session.close(CloseCode.STREAMER_LEFT, "no streamer is connected")
        return
    to_streamer(session, message, raw)


def layer_preference(session: PlayerSession | SfuSession, message: Json, raw: bytes) -> None:
    """Pass the layers a page prefers to its SFU; engines before 5.5 do not know the message."""
    streamer = session.player.streamer
    is_known = (
        streamer is None or streamer.kind is Kind.SFU or streamer.dialect.takes_layer_preference
    )
    if is_known:
        to_streamer(session, message, raw)
    else:
        session.drop("no_relay", type=message["type"])


def seat_silent(session: PlayerSession) -> bool:
    """
    Give a page that has said nothing yet the first streamer; return whether to come again.

    Pages of UE 5.0 and 5.1 never ask: their server told the streamer of them at once.
    """
    if session.received or session.phase is not Phase.OPEN:
        return False
    if session.is_waiting:
        return True
    session.settle(dialects.of_silent(session.player.dialect))
    session.wait_for(_seat_silent(session))
    return not session.player.asked


async def _seat_silent(session: PlayerSession) -> None:
    player = session.player
    streamer = await session.context.admission.admit_unasked(player)
    if streamer is not None:
        player.asked = await _watch(session, streamer)


# Streamers, and SFUs towards their players.


def endpoint_id(session: StreamerSession, message: Json) -> Waiting:
    """Call the streamer what it wants to be called, or nearly so."""
    request = messages.read(messages.EndpointId, message)
    session.settle(
        dialects.of_streamer(
            session.context.dialect, session.streamer.dialect, request.protocol_version
        )
    )
    return _endpoint_id(session, request.id or session.context.default_streamer_id)


async def _endpoint_id(session: StreamerSession, wanted: str) -> None:
    await session.rename(wanted)
    if session.streamer.dialect.confirms_ids:
        session.link.send(messages.endpoint_id_confirm(session.streamer.id))


def disconnect_player(session: StreamerSession, message: Json) -> None:
    """Turn one of the streamer's players out."""
    request = messages.read(messages.DisconnectPlayer, message)
    player = session.streamer.subscribers.get(str(request.player_id))
    if player is None:
        session.drop("no_such_player")
        return
    player.link.close(CloseCode.INTERNAL, clip_reason(request.reason or "kicked"))


def to_player(session: StreamerSession, message: Json, raw: bytes) -> None:
    """Pass a message to the player it names, if that player watches this streamer."""
    player = _addressee(session.streamer, message.get("playerId"))
    if player is None:
        session.drop("no_such_player", type=message["type"])
        return
    player.link.send(raw)
    session.context.metrics.forwarded += 1
    if session.context.trace:
        _trace(session, message, player.id)


def _addressee(streamer: Streamer, player_id: object) -> Player | None:
    if type(player_id) is str:
        return streamer.subscribers.get(player_id)
    if type(player_id) is int:
        # Engines of the Cirrus time have sent numbers.
        return streamer.subscribers.get(str(player_id))
    return None


def to_relays(session: StreamerSession, message: Json, raw: bytes) -> None:
    """Pass a streamer's layer preference to the SFUs that relay it."""
    for relay in session.streamer.relays:
        relay.link.send(raw)
        _note(session, message, relay.id)


# SFUs only.


def start_streaming(session: SfuSession, message: Json) -> None:
    """Offer the SFU to players."""
    messages.read(messages.StartStreaming, message)
    session.start_streaming()


def stop_streaming(session: SfuSession, message: Json) -> None:
    """Offer the SFU no longer."""
    messages.read(messages.StopStreaming, message)
    session.stop_streaming()


def lead(session: SfuSession) -> bool:
    """
    Let an SFU that has said nothing relay the first streamer; return whether to come again.

    SFUs of UE 5.0 and 5.1 never ask: their server told the streamer of them at once, and of
    them again when it came back. They say neither a name nor that they stream.
    """
    if session.phase is not Phase.OPEN or (session.received and not session.is_led):
        return False
    session.is_led = True
    if session.player.streamer is None and not session.is_waiting:
        session.settle(dialects.of_silent(session.streamer.dialect))
        session.wait_for(_relay_first(session))
    return True


async def _relay_first(session: SfuSession) -> None:
    streamers = session.context.registry.streamers
    for streamer_id in await session.context.admission.visible(session.player) or ():
        if streamers[streamer_id].kind is Kind.STREAMER:
            await _subscribe(session, streamer_id)
            return


def answer_of_sfu(session: SfuSession, message: Json, raw: bytes) -> None:
    """Pass an SFU's answer to the streamer it relays: one that is led can be watched then."""
    answer_streamer(session, message, raw)
    if session.is_led and session.player.streamer is not None:
        session.start_streaming()


def answer_streamer(session: SfuSession, message: Json, raw: bytes) -> None:
    """Pass an SFU's message to the streamer it relays; it never gets one unasked."""
    if session.player.streamer is None:
        session.drop("not_subscribed", type=message["type"])
        return
    to_streamer(session, message, raw)


def streamer_data_channels(session: SfuSession, message: Json, raw: bytes) -> None:
    """Tell the streamer which data channels of the SFU are for which player."""
    streamer = session.player.streamer
    if streamer is None or _addressee(session.streamer, message.get("playerId")) is None:
        session.drop("no_such_player", type=message["type"])
        return
    fields = {**message, "sfuId": session.player.id}
    streamer.link.send(messages.encode(message["type"], fields))
    _note(session, message, streamer.id)


def candidate_of_sfu(session: SfuSession, message: Json, raw: bytes) -> None:
    """Pass a candidate to the player it names, or else to the streamer."""
    if "playerId" in message:
        to_player(session, message, raw)
    else:
        answer_streamer(session, message, raw)


def _note(session: Session, message: Json, to: str) -> None:
    session.context.metrics.forwarded += 1
    if session.context.trace:
        _trace(session, message, to)


def _trace(session: Session, message: Json, to: str) -> None:
    log.debug("forwarded", type=message["type"], role=session.role, peer=session.id, to=to)


# The tables.

ANYTIME: Final = frozenset({"ping", "pong", "stats"})

PLAYER: Final = Table(
    handled={
        "subscribe": subscribe,
        "unsubscribe": unsubscribe,
        "listStreamers": list_streamers,
        "ping": ping,
        "pong": pong_of_page,
        "stats": stats,
    },
    forwarded={
        "offer": to_streamer,
        "answer": to_streamer,
        "iceCandidate": to_streamer,
        "dataChannelRequest": to_streamer,
        "peerDataChannelsReady": to_streamer,
        "layerPreference": layer_preference,
    },
    anytime=ANYTIME,
)

STREAMER: Final = Table(
    handled={
        "endpointId": endpoint_id,
        "disconnectPlayer": disconnect_player,
        "ping": ping,
        "pong": pong,
    },
    forwarded={
        "offer": to_player,
        "answer": to_player,
        "iceCandidate": to_player,
        "layerPreference": to_relays,
    },
    anytime=ANYTIME,
)

SFU: Final = Table(
    handled={
        "endpointId": endpoint_id,
        "startStreaming": start_streaming,
        "stopStreaming": stop_streaming,
        "subscribe": subscribe,
        "unsubscribe": unsubscribe,
        "listStreamers": list_streamers,
        "disconnectPlayer": disconnect_player,
        "ping": ping,
        "pong": pong,
    },
    forwarded={
        "offer": to_player,
        "peerDataChannels": to_player,
        "answer": answer_of_sfu,
        "streamerDataChannels": streamer_data_channels,
        "iceCandidate": candidate_of_sfu,
    },
    anytime=ANYTIME,
)


def extended(table: Table, extensions: Mapping[str, Handler]) -> Table:
    """Return *table* with the messages of the matchmaker and the chat added."""
    return Table(
        handled={**table.handled, **extensions},
        forwarded=table.forwarded,
        anytime=frozenset(table.anytime) | frozenset(extensions),
    )
