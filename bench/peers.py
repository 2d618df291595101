"""
Streamers and players that speak the protocol of any Pixel Streaming server.

Ids of players are opaque: whatever `playerConnected` carries is sent back. A
message of a type that is not known here is left alone, so servers of every
generation can be measured.
"""

import asyncio
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Final

import orjson
from picows import WSCloseCode, WSFrame, WSListener, WSMsgType, WSTransport

from bench import traffic

CANDIDATES: Final = 10
"""Candidates each way in one handshake."""

FIRST_NUMBER: Final = 1000
"""Candidates from this one on are load, not part of a handshake."""

Json = dict[str, Any]


class Tally:
    """What all peers of a run saw."""

    def __init__(self) -> None:
        self.returned = 0
        """Candidates that came back to their player."""
        self.seconds: list[float] = []
        """How long each took, in the order of their return."""
        self.faults: Counter[str] = Counter()
        """What must not happen: a run with any of it is void."""


class Peer(WSListener):
    """One end of a socket."""

    handlers: ClassVar[Mapping[str, Callable[[Any, Json], None]]] = {}

    def __init__(self, tally: Tally) -> None:
        self.tally = tally
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._leaving = False
        self._transport: WSTransport | None = None

    def send(self, payload: bytes) -> None:
        """Send one text message."""
        assert self._transport is not None
        self._transport.send(WSMsgType.TEXT, payload)

    async def leave(self) -> None:
        """Close the socket and wait until it is closed."""
        self._leaving = True
        if self._transport is None or self.closed.done():
            return
        self._transport.send_close(WSCloseCode.OK)
        await self.closed

    def cut(self) -> None:
        """Drop the socket."""
        self._leaving = True
        if self._transport is not None:
            self._transport.disconnect(graceful=False)

    def fault(self, what: str) -> None:
        """Take note of what must not happen."""
        self.tally.faults[what] += 1

    # picows's listener.

    def on_ws_connected(self, transport: WSTransport) -> None:
        """Keep the transport."""
        self._transport = transport

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """Hand a message to its handler."""
        if frame.msg_type == WSMsgType.TEXT:
            message = orjson.loads(frame.get_payload_as_memoryview())
            handler = self.handlers.get(message["type"])
            if handler is not None:
                handler(self, message)
        elif frame.msg_type == WSMsgType.CLOSE:
            self._closing(transport, frame)

    def _closing(self, transport: WSTransport, frame: WSFrame) -> None:
        if not self._leaving:
            code = frame.get_close_code()
            self.fault(f"closed with {code.value}: {frame.get_close_reason()}")
            transport.send_close(code)
        transport.disconnect()

    def on_ws_disconnected(self, _transport: WSTransport) -> None:
        """Tell whoever waits for the end."""
        if not self._leaving:
            self.fault("connection lost")
        if not self.closed.done():
            self.closed.set_result(None)

    # What both roles answer.

    def on_ping(self, message: Json) -> None:
        """Answer the server's keepalive."""
        self.send(orjson.dumps({"type": "pong", "time": message.get("time")}))


class Streamer(Peer):
    """Offers to each player, then sends each player's candidates back to it."""

    def __init__(self, tally: Tally, players: "Mapping[str, Player]", name: str) -> None:
        super().__init__(tally)
        self.id = name
        self.named = asyncio.Event()
        """Set when the server confirmed the name; servers to UE 5.4 never do."""
        self._players = players

    def on_identify(self, _message: Json) -> None:
        """Say the name."""
        self.send(orjson.dumps({"type": "endpointId", "id": self.id}))

    def on_confirm(self, message: Json) -> None:
        """Take the name the server gave."""
        self.id = message["committedId"]
        self.named.set()

    def on_player(self, message: Json) -> None:
        """Offer, and trickle candidates."""
        player_id = message["playerId"]
        self.send(traffic.offer(player_id))
        for number in range(CANDIDATES):
            self.send(traffic.candidate_for(player_id, number, traffic.STREAMER_FRAGMENT))

    def on_answer(self, message: Json) -> None:
        """Tell the player that its answer came."""
        player = self._players.get(traffic.fragment_of(message["sdp"]))
        if player is None:
            self.fault("an answer of nobody")
        else:
            player.reached_streamer()

    def on_candidate(self, message: Json) -> None:
        """Count a candidate of the handshake; send one of the load back."""
        candidate = message["candidate"]
        if traffic.number_of(candidate["candidate"]) >= FIRST_NUMBER:
            fields = {"type": "iceCandidate", "playerId": message["playerId"]}
            self.send(orjson.dumps({**fields, "candidate": candidate}))
            return
        player = self._players.get(candidate["usernameFragment"])
        if player is None:
            self.fault("a candidate of nobody")
        else:
            player.reached_streamer()

    handlers: ClassVar[Mapping[str, Callable[[Any, Json], None]]] = {
        "ping": Peer.on_ping,
        "identify": on_identify,
        "endpointIdConfirm": on_confirm,
        "playerConnected": on_player,
        "answer": on_answer,
        "iceCandidate": on_candidate,
    }


class Player(Peer):
    """Asks for the list, subscribes, answers and trickles candidates."""

    def __init__(self, tally: Tally, fragment: str, streamer: Streamer) -> None:
        super().__init__(tally)
        self.fragment = fragment
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Done when every message of the handshake has arrived, at both ends."""
        self._streamer = streamer
        self._missing = 1 + 2 * CANDIDATES
        self._under_way: deque[tuple[int, float]] = deque()
        self._next_number = FIRST_NUMBER
        self.refill = False
        """Whether each candidate that comes back is followed by another."""

    def send_candidate(self) -> None:
        """Send a candidate that the streamer sends back."""
        number = self._next_number
        self._next_number += 1
        self._under_way.append((number, time.perf_counter()))
        self.send(traffic.candidate(number, self.fragment))

    def reached_streamer(self) -> None:
        """Take note that a message of the handshake arrived."""
        self._missing -= 1
        if self._missing == 0 and not self.ready.done():
            self.ready.set_result(None)

    def fault(self, what: str) -> None:
        """See `Peer`; a handshake ends with it."""
        super().fault(what)
        if not self.ready.done():
            self.ready.set_exception(ConnectionError(what))
            self.ready.exception()  # perhaps nobody waits for it any more

    def on_config(self, _message: Json) -> None:
        """Ask who there is."""
        self.send(b'{"type":"listStreamers"}')

    def on_list(self, message: Json) -> None:
        """Subscribe."""
        if self._streamer.id not in message["ids"]:
            self.fault("the streamer is not in the list")
            return
        self.send(orjson.dumps({"type": "subscribe", "streamerId": self._streamer.id}))

    def on_failed(self, message: Json) -> None:
        """Take note that the server has no place."""
        self.fault(f"subscribeFailed: {message.get('message')}")

    def on_offer(self, _message: Json) -> None:
        """Answer, and trickle candidates."""
        self.send(traffic.answer(self.fragment))
        for number in range(CANDIDATES):
            self.send(traffic.candidate(number, self.fragment))

    def on_candidate(self, message: Json) -> None:
        """Count a candidate of the streamer, or time one of ours that came back."""
        candidate = message["candidate"]
        number = traffic.number_of(candidate["candidate"])
        if number < FIRST_NUMBER:
            self.reached_streamer()
        elif candidate["usernameFragment"] != self.fragment:
            self.fault("a candidate of another player")
        elif not self._under_way or self._under_way[0][0] != number:
            self.fault("a candidate lost, doubled or out of order")
        else:
            self._came_back(self._under_way.popleft()[1])

    def _came_back(self, sent: float) -> None:
        self.tally.returned += 1
        self.tally.seconds.append(time.perf_counter() - sent)
        if self.refill:
            self.send_candidate()

    handlers: ClassVar[Mapping[str, Callable[[Any, Json], None]]] = {
        "ping": Peer.on_ping,
        "config": on_config,
        "streamerList": on_list,
        "subscribeFailed": on_failed,
        "offer": on_offer,
        "iceCandidate": on_candidate,
    }
