"""A visitor's guests over real sockets: the link, the room, who steers, and who is let in."""

import asyncio
import json
import time
from typing import Any

import pytest

from signalling.guests.tokens import GuestTokens
from signalling.options.guests import GuestSettings
from tests.signalling.peers import DEADLINE, Client, Json, Peer, Start, eventually
from tests.signalling.sessions import ADMIN, instance, playing
from tests.signalling.tokens import refusal

SECRET = "a session secret for tests of guests"


@pytest.fixture
async def client(start: Start) -> Client:
    """Give a client of a server with default options."""
    return await start(session_secret=SECRET)


async def invited(visitor: Peer, /, **fields: Any) -> Json:
    """Let *visitor* ask for a link; return what it is told."""
    await visitor.say("inviteRequest", **fields)
    invite = await heard(visitor, "invite")
    await heard(visitor, "roomState")
    return invite


async def heard(peer: Peer, wire_name: str) -> Json:
    """Return the next message of a type, whatever comes before it."""
    while True:
        message = await peer.hear()
        if message["type"] == wire_name:
            return message


async def exchange(client: Client, token: object, **headers: str) -> tuple[int, Json]:
    """Bring the token of a link to the server."""
    url = client.running.http("/api/guests")
    async with client.http.post(url, json={"token": token}, headers=headers) as response:
        return response.status, await response.json()


async def refused(client: Client, token: object) -> tuple[int, str]:
    """Return status and code of an exchange that fails."""
    status, body = await exchange(client, token)
    return status, body["error"]["code"]


async def connect(client: Client, shown: str, query: str = "") -> Peer:
    """Open a guest's socket."""
    return await client.connect("player", query, protocols=["guest", shown])


async def guest(client: Client, invite: Json, query: str = "") -> Peer:
    """Come by a link: exchange it, open a socket, hear how the room stands."""
    status, body = await exchange(client, invite["token"])
    assert status == 201, body
    peer = await connect(client, body["pass"], query)
    await peer.hear_type("config")
    if "resume" in query:
        await heard(peer, "resumeToken")
    return peer


async def entered(client: Client, invite: Json) -> tuple[Peer, Json]:
    """Come by a link; return the guest and the room as it found it."""
    peer = await guest(client, invite)
    await peer.hear_type("roomHistory")
    return peer, await peer.hear_type("roomState")


async def watching(client: Client, streamer: Peer, invite: Json) -> tuple[Peer, str]:
    """Come by a link and watch; return the guest and its player id."""
    peer, state = await entered(client, invite)
    player_id = await client.watch(peer, streamer, state["streamerId"])
    return peer, player_id


# The way in.


async def test_a_guest_watches_beside_its_visitor(client: Client) -> None:
    """The link leads to the visitor's streamer, as another player of it."""
    streamer, visitor, visitor_id = await client.pair()
    invite = await invited(visitor, partnerId="p-1", name="Mina", visitor="Ada")
    assert invite["expiresAt"] == pytest.approx(time.time() + 900, abs=30)
    assert (invite["name"], invite["partnerId"], invite["used"]) == ("Mina", "p-1", False)
    peer, state = await entered(client, invite)
    assert state["streamerId"] == "Kiosk"
    assert (state["role"], state["visitor"]) == ("guest", "Ada")
    assert "invitations" not in state
    assert [(each["role"], each["name"]) for each in state["people"]] == [
        ("visitor", "Ada"),
        ("guest", "Mina"),
    ]
    assert state["inputHolder"] == visitor_id
    told = await heard(visitor, "roomState")
    assert [each["used"] for each in told["invitations"]] == [True]
    assert "token" not in told["invitations"][0]
    guest_id = await client.watch(peer, streamer)
    assert guest_id == state["you"] != visitor_id
    await streamer.say("offer", playerId=guest_id, sdp="v=0")
    assert (await peer.hear_type("offer"))["sdp"] == "v=0"


async def test_a_guest_sees_no_other_streamer(client: Client) -> None:
    """Its list has one streamer; another does not exist for it, asked for or not."""
    streamer, visitor, _ = await client.pair()
    other = await client.streamer("Other")
    peer, _ = await entered(client, await invited(visitor))
    await peer.say("listStreamers")
    assert (await peer.hear_type("streamerList"))["ids"] == ["Kiosk"]
    await peer.say("subscribe", streamerId="Other")
    assert "does not exist" in (await peer.hear_type("subscribeFailed"))["message"]
    await peer.say("offer", sdp="v=0")
    await other.hears_nothing_before()
    await streamer.hears_nothing_before()


async def test_a_page_that_offers_gets_the_same(client: Client) -> None:
    """A guest that sends its offer unasked reaches the visitor's streamer, not the first."""
    await client.streamer("First")
    streamer, visitor, _ = await client.pair()
    peer, _ = await entered(client, await invited(visitor))
    await peer.say("offer", sdp="v=0")
    await streamer.hear_type("playerConnected")
    assert (await streamer.hear_type("offer"))["sdp"] == "v=0"


async def test_a_guest_needs_no_token_of_its_own(start: Start) -> None:
    """Where players need a token the pass lets in, and the link alone does not."""
    client = await start(player_token="letmein-player")
    streamer = await client.streamer()
    visitor = await client.player("?token=letmein-player")
    await client.watch(visitor, streamer)
    invite = await invited(visitor)
    assert (await refusal(client, "player"))[0] == 401
    by_link = {"Sec_WebSocket_Protocol": f"guest, {invite['token']}"}
    assert await refusal(client, "player", **by_link) == (401, "bad_invite")
    assert await refusal(client, "player", f"?token={invite['token']}") == (401, "bad_token")
    await watching(client, streamer, invite)


async def test_a_pass_opens_no_http_route(start: Start) -> None:
    """Whoever shows it for a session of their own is asked for a player's token."""
    client = await start(matchmaking=True, player_token="letmein-player")
    streamer = await instance(client)
    visitor = await client.player("?token=letmein-player")
    await visitor.say("sessionRequest")
    await client.watch(
        visitor, streamer, (await heard(visitor, "sessionAssigned"))["streamerId"]
    )
    _, body = await exchange(client, (await invited(visitor))["token"])
    url = client.running.http("/api/sessions")
    shown = {"Sec-WebSocket-Protocol": f"guest, {body['pass']}"}
    async with client.http.post(url, json={}, headers=shown) as response:
        assert response.status == 401


async def test_guests_do_not_count_as_players(start: Start) -> None:
    """A streamer that is full with its visitor takes a guest, who takes nobody's place."""
    client = await start(max_players=1)
    streamer, visitor, _ = await client.pair()
    peer, _ = await watching(client, streamer, await invited(visitor))
    await visitor.say("unsubscribe")
    await heard(peer, "roomState")
    third = await client.player()
    await third.say("subscribe", streamerId="Kiosk")
    connected = await heard(streamer, "playerConnected")
    assert connected["playerId"]


@pytest.mark.parametrize(
    ("token", "status", "code"),
    [
        ("nonsense", 401, "bad_invite"),
        ("", 400, "bad_request"),
        (5, 400, "bad_request"),
        ("x" * 600, 400, "bad_request"),
        (GuestTokens("another secret").invite("r", "i", expires_at=9e9), 401, "bad_invite"),
        (GuestTokens(SECRET).invite("r", "i", expires_at=9e9), 410, "invite_over"),
        (GuestTokens(SECRET).invite("r", "i", expires_at=1.0), 410, "invite_expired"),
    ],
)
async def test_a_link_that_leads_nowhere(
    client: Client, token: object, status: int, code: str
) -> None:
    """Forged, foreign, out of date: each has a code of its own."""
    assert await refused(client, token) == (status, code)


async def test_tokens_of_other_purposes_open_nothing(client: Client) -> None:
    """A resume token is no invitation, and no pass."""
    player = await client.connect("player", "?resume=1")
    await player.say("listStreamers")
    token = (await heard(player, "resumeToken"))["token"]
    assert await refused(client, token) == (401, "bad_invite")
    by_pass = {"Sec_WebSocket_Protocol": f"guest, {token}"}
    assert await refusal(client, "player", **by_pass) == (401, "bad_invite")


async def test_a_link_runs_out(start: Start) -> None:
    """Unused for its time, it leads nowhere, and makes room for another invitation."""
    client = await start(invite_ttl=0.05)
    _, visitor, _ = await client.pair()
    invite = await invited(visitor)
    async with asyncio.timeout(DEADLINE):
        while (await exchange(client, invite["token"]))[0] in {201, 409}:
            pass
    assert (await refused(client, invite["token"]))[1] == "invite_expired"


async def test_bad_links_are_limited(start: Start) -> None:
    """Who tries tokens is stopped, at both doors, like who tries passwords."""
    client = await start(failed_attempts_per_minute=3, limit_loopback=True)
    codes = [(await refused(client, "nonsense"))[1] for _ in range(4)]
    assert codes == ["bad_invite"] * 3 + ["too_many_attempts"]
    by_pass = {"Sec_WebSocket_Protocol": "guest, nonsense"}
    assert (await refusal(client, "player", **by_pass))[0] == 429


async def test_one_invitation_is_one_guest(client: Client) -> None:
    """While its guest is here the link does not open again; afterwards it does, anew."""
    streamer, visitor, _ = await client.pair()
    invite = await invited(visitor)
    peer, _ = await entered(client, invite)
    assert await refused(client, invite["token"]) == (409, "invite_used")
    await peer.socket.close()
    while len((await heard(visitor, "roomState"))["people"]) > 1:
        pass
    await watching(client, streamer, invite)


async def test_a_pass_comes_back_until_the_link_is_used_again(client: Client) -> None:
    """A reload keeps the seat; who came by the link later has it instead."""
    _, visitor, _ = await client.pair()
    invite = await invited(visitor)
    _, body = await exchange(client, invite["token"])
    first = await connect(client, body["pass"])
    await heard(first, "roomState")
    second = await connect(client, body["pass"])
    await heard(second, "roomState")
    assert await heard(first, "roomEnded") == {"type": "roomEnded", "reason": "taken_over"}
    assert (await first.closed())[0] == 4003
    assert (await exchange(client, body["pass"]))[0] == 201
    await second.socket.close()
    while len((await heard(visitor, "roomState"))["people"]) > 1:
        pass
    await entered(client, invite)
    assert await refused(client, body["pass"]) == (409, "invite_used")


async def test_a_visitor_has_so_many_guests(client: Client) -> None:
    """One more invitation than guests allowed is refused until one is taken back."""
    _, visitor, _ = await client.pair()
    invite = await invited(visitor)
    await visitor.say("inviteRequest")
    error = await visitor.hear_type("error")
    assert (error["code"], error["of"]) == ("too_many_guests", "inviteRequest")
    await visitor.say("inviteRevoke", id=invite["id"])
    assert (await visitor.hear_type("roomState"))["invitations"] == []
    await invited(visitor)


async def test_invitations_are_limited_in_time(client: Client) -> None:
    """Making and taking back is not for ever."""
    _, visitor, _ = await client.pair()
    for _ in range(6):
        await invited(visitor)
        await visitor.say("inviteRevoke")
        await visitor.hear_type("roomState")
    await visitor.say("inviteRequest")
    assert (await visitor.hear_type("error"))["code"] == "rate_limited"


async def test_a_revoked_guest_is_sent_away(client: Client) -> None:
    """Taken back, the streamer drops the guest, and neither link nor pass opens again."""
    streamer, visitor, _ = await client.pair()
    invite = await invited(visitor)
    _, body = await exchange(client, invite["token"])
    peer = await connect(client, body["pass"])
    await heard(peer, "roomState")
    guest_id = await client.watch(peer, streamer)
    await visitor.say("inviteRevoke", id=invite["id"])
    assert (await streamer.hear_type("playerDisconnected"))["playerId"] == guest_id
    assert await heard(peer, "roomEnded") == {"type": "roomEnded", "reason": "revoked"}
    assert (await peer.closed())[0] == 4003
    for token in (invite["token"], body["pass"]):
        assert await refused(client, token) == (410, "invite_revoked")
    by_pass = {"Sec_WebSocket_Protocol": f"guest, {body['pass']}"}
    assert await refusal(client, "player", **by_pass) == (401, "invite_revoked")


# The room.


async def test_everybody_hears_what_is_said(client: Client) -> None:
    """A message reaches all with who said it; a guest that comes later reads it."""
    _, visitor, visitor_id = await client.pair()
    invite = await invited(visitor, name="Mina", visitor="Ada")
    await visitor.say("roomMessage", id="1", text="소파 어때요?")
    own = await visitor.hear_type("roomMessage")
    assert (own["id"], own["playerId"], own["name"]) == ("1", visitor_id, "Ada")
    peer = await guest(client, invite)
    (before,) = (await peer.hear_type("roomHistory"))["messages"]
    assert (before["text"], before["role"]) == ("소파 어때요?", "visitor")
    await peer.say("roomMessage", id="1", text="Warm.")
    for each in (peer, visitor):
        said = await heard(each, "roomMessage")
        assert (said["text"], said["role"], said["name"]) == ("Warm.", "guest", "Mina")
        assert said["at"] == pytest.approx(time.time(), abs=30)


async def test_the_room_forgets(start: Start) -> None:
    """Only the last messages are kept."""
    client = await start(room_history=2)
    _, visitor, _ = await client.pair()
    invite = await invited(visitor)
    for number in range(4):
        await visitor.say("roomMessage", id=str(number), text="x")
    peer = await guest(client, invite)
    said = (await peer.hear_type("roomHistory"))["messages"]
    assert [each["id"] for each in said] == ["2", "3"]


async def test_who_writes_too_much_is_told(start: Start) -> None:
    """The limit is each person's own, and costs no socket."""
    client = await start(room_messages_per_minute=8)
    _, visitor, _ = await client.pair()
    peer, _ = await entered(client, await invited(visitor))
    for _ in range(3):
        await visitor.say("roomMessage", id="1", text="x")
    assert (await heard(visitor, "error"))["code"] == "rate_limited"
    await peer.say("roomMessage", id="2", text="y")
    while (await heard(peer, "roomMessage"))["text"] != "y":
        pass


async def test_rooms_do_not_hear_each_other(client: Client) -> None:
    """Two visitors of one streamer have rooms of their own; ids of one mean nothing there."""
    streamer, visitor, _ = await client.pair()
    other = await client.player()
    await client.watch(other, streamer)
    peer, state = await entered(client, await invited(visitor))
    other_invite = await invited(other)
    await visitor.say("roomMessage", id="1", text="x")
    await heard(peer, "roomMessage")
    await other.say("inputGrant", to=state["you"])
    assert (await other.hear_type("error"))["code"] == "not_found"
    await visitor.say("inviteRevoke", id=other_invite["id"])
    assert (await heard(visitor, "error"))["code"] == "not_found"
    await other.hears_nothing_before()


async def test_a_guest_that_leaves_is_missed(client: Client) -> None:
    """The visitor is told of coming and going."""
    _, visitor, _ = await client.pair()
    peer, _ = await entered(client, await invited(visitor))
    assert len((await heard(visitor, "roomState"))["people"]) == 2
    await peer.socket.close()
    assert len((await heard(visitor, "roomState"))["people"]) == 1


# Who steers.


async def test_the_input_is_handed_over_and_taken_back(client: Client) -> None:
    """Everybody is told who has it; a guest may give it back, and nobody else has a say."""
    _, visitor, visitor_id = await client.pair()
    peer, state = await entered(client, await invited(visitor))
    await heard(visitor, "roomState")
    guest_id = state["you"]

    async def holder() -> set[str]:
        return {(await heard(each, "inputHolder"))["playerId"] for each in (visitor, peer)}

    await peer.say("inputGrant", to=guest_id)
    assert (await peer.hear_type("error"))["code"] == "forbidden"
    await peer.say("inputTake")
    assert (await peer.hear_type("error"))["code"] == "forbidden"
    await visitor.say("inputGrant", to=guest_id)
    assert await holder() == {guest_id}
    await visitor.say("inputTake")
    assert await holder() == {visitor_id}
    await visitor.say("inputGrant", to=guest_id)
    assert await holder() == {guest_id}
    await peer.say("inputGrant", to=visitor_id)
    assert await holder() == {visitor_id}


async def test_a_guest_that_is_gone_does_not_steer(client: Client) -> None:
    """Its input goes back with its socket."""
    _, visitor, visitor_id = await client.pair()
    peer, state = await entered(client, await invited(visitor))
    await visitor.say("inputGrant", to=state["you"])
    await heard(visitor, "inputHolder")
    await peer.socket.close()
    assert (await heard(visitor, "inputHolder"))["playerId"] == visitor_id


async def test_a_guest_whose_socket_broke_does_not_steer(client: Client) -> None:
    """It may resume, keeps its seat and its picture, but not the input."""
    streamer, visitor, visitor_id = await client.pair()
    peer = await guest(client, await invited(visitor), "?resume=1")
    state = await heard(visitor, "roomState")
    guest_id = state["people"][1]["playerId"]
    await client.watch(peer, streamer)
    await visitor.say("inputGrant", to=guest_id)
    await heard(visitor, "inputHolder")
    transport = peer.socket._response.connection.transport  # type: ignore[union-attr]
    transport.abort()  # type: ignore[union-attr]
    assert (await heard(visitor, "inputHolder"))["playerId"] == visitor_id
    people = (await heard(visitor, "roomState"))["people"]
    assert [each["here"] for each in people] == [True, False]
    await visitor.say("inputGrant", to=guest_id)
    assert (await visitor.hear_type("error"))["code"] == "not_found"
    await streamer.hears_nothing_before()


async def test_several_guests_pass_the_input_by_the_visitor(start: Start) -> None:
    """With places for two, each has a seat of its own; guests hand nothing to each other."""
    client = await start(guests_per_visitor=2)
    _, visitor, visitor_id = await client.pair()
    one, first = await entered(client, await invited(visitor, name="One"))
    await heard(visitor, "roomState")
    two, second = await entered(client, await invited(visitor, name="Two"))
    assert [each["name"] for each in second["people"]] == ["", "One", "Two"]
    await visitor.say("inputGrant", to=first["you"])
    assert (await heard(two, "inputHolder"))["playerId"] == first["you"]
    await one.say("inputGrant", to=second["you"])
    assert (await heard(one, "error"))["code"] == "forbidden"
    await visitor.say("inputGrant", to=second["you"])
    while (await heard(one, "inputHolder"))["playerId"] != second["you"]:
        pass
    await two.say("inputGrant", to=visitor_id)
    while (await heard(one, "inputHolder"))["playerId"] != visitor_id:
        pass


# The end.


async def test_a_guest_watches_only_what_its_visitor_does(client: Client) -> None:
    """The visitor moves to another streamer: the guest is cut off, and let in there."""
    streamer, visitor, _ = await client.pair()
    other = await client.streamer("Other")
    peer, guest_id = await watching(client, streamer, await invited(visitor))
    await visitor.say("subscribe", streamerId="Other")
    await streamer.hear_type("playerDisconnected")
    assert (await streamer.hear_type("playerDisconnected"))["playerId"] == guest_id
    await other.hear_type("playerConnected")
    while (await heard(peer, "roomState"))["streamerId"] != "Other":
        pass
    assert await client.watch(peer, other, "Other") == guest_id


async def test_a_visitor_that_leaves_is_waited_for(start: Start) -> None:
    """The guest's picture ends at once; the same visitor gets the same room again."""
    client = await start(session_secret=SECRET)
    streamer = await client.streamer()
    headers = await cookie(client)
    visitor = await client.connect("player", headers=headers)
    await visitor.hear_type("config")
    await client.watch(visitor, streamer)
    peer, guest_id = await watching(client, streamer, await invited(visitor))
    await visitor.say("roomMessage", id="1", text="One moment.")
    await visitor.socket.close()
    left = {(await streamer.hear_type("playerDisconnected"))["playerId"] for _ in range(2)}
    assert guest_id in left
    while len((state := await heard(peer, "roomState"))["people"]) > 1:
        pass
    assert (state["inputHolder"], state["streamerId"]) == ("", None)
    stranger = await client.player()
    await stranger.say("roomOpen")
    assert (await stranger.hear_type("error"))["code"] == "no_room"
    again = await client.connect("player", headers=headers)
    await again.hear_type("config")
    await client.watch(again, streamer)
    await again.say("roomOpen")
    assert [each["text"] for each in (await heard(again, "roomHistory"))["messages"]] == [
        "One moment."
    ]
    assert len((await heard(again, "roomState"))["people"]) == 2
    await heard(peer, "inputHolder")
    assert await client.watch(peer, streamer) == guest_id


async def cookie(client: Client) -> dict[str, str]:
    """Return the headers of a browser that has been here."""
    user = client.server.users.signed("anon:0123456789abcdef")
    return {"Cookie": f"pycirrus_user={user}"}


async def test_a_visitor_that_does_not_come_back_ends_the_room(start: Start) -> None:
    """After the grace time the guest is told and closed for good."""
    client = await start(room_grace=0.05)
    streamer, visitor, _ = await client.pair()
    invite = await invited(visitor)
    peer, _ = await watching(client, streamer, invite)
    await visitor.socket.close()
    assert await heard(peer, "roomEnded") == {"type": "roomEnded", "reason": "left"}
    assert await peer.closed() == (4003, "the visitor left")
    assert await refused(client, invite["token"]) == (410, "invite_over")


async def test_the_end_of_the_visitor_by_an_operator_ends_the_room(start: Start) -> None:
    """Closed for good, the visitor is not waited for: the guest goes with the same code."""
    client = await start(admin_token="letmein", rest_api=True)
    streamer, visitor, visitor_id = await client.pair()
    peer, _ = await watching(client, streamer, await invited(visitor))
    url = client.running.http(f"/api/players/{visitor_id}")
    async with client.http.delete(url, headers=ADMIN) as response:
        assert response.status == 204
    assert (await heard(peer, "roomEnded"))["reason"] == "released"
    assert (await peer.closed())[0] == 4003


# With places.


async def test_a_guest_of_a_session_takes_no_place(start: Start) -> None:
    """An instance of one place serves both, and its guest cannot claim a session."""
    client = await start(matchmaking=True, queue_push_interval=0.05)
    streamer = await instance(client)
    visitor, assigned = await playing(client, streamer)
    peer, _ = await watching(client, streamer, await invited(visitor))
    await peer.say("sessionRequest")
    assert (await peer.hear_type("sessionFailed"))["code"] == "not_offered"
    await peer.say("sessionResume", token=assigned["token"])
    assert (await peer.hear_type("sessionFailed"))["code"] == "not_offered"
    await peer.say("tokenRefresh", token="x")
    assert (await peer.hear_type("error"))["code"] == "forbidden"
    await visitor.say("sessionRelease")
    assert (await heard(peer, "roomEnded"))["reason"] == "released"
    assert (await peer.closed())[0] == 4003
    assert (await streamer.hear_type("playerDisconnected"))["playerId"]


async def test_the_longest_session_ends_the_visit_too(start: Start) -> None:
    """The guest hears the same code and reason as the visitor."""
    client = await start(matchmaking=True, session_max_duration=1, session_warning=0.5)
    streamer = await instance(client)
    visitor, _ = await playing(client, streamer)
    peer, _ = await watching(client, streamer, await invited(visitor))
    assert (await heard(peer, "roomEnded"))["reason"] == "max_duration"
    assert (await peer.closed())[0] == 4001


async def test_a_steering_guest_keeps_the_session_busy(start: Start) -> None:
    """Its input counts for the visitor's idle limit, but only while it steers."""
    client = await start(matchmaking=True, session_idle_timeout=60)
    streamer = await instance(client)
    visitor, assigned = await playing(client, streamer)
    peer, guest_id = await watching(client, streamer, await invited(visitor))
    touched = client.server.matchmaking.matchmaker._touched  # type: ignore[union-attr]
    touched.clear()
    await peer.say("sessionInput")
    await peer.hears_nothing_before()
    assert touched == set()
    await visitor.say("inputGrant", to=guest_id)
    await heard(peer, "inputHolder")
    await peer.say("sessionInput")
    await eventually(lambda: touched == {assigned["sessionId"]})


# Messages that cannot be used.


@pytest.mark.parametrize(
    ("wire_name", "fields"),
    [
        ("inviteRequest", {"partnerId": 5}),
        ("inviteRequest", {"name": "x" * 65}),
        ("inviteRevoke", {"id": []}),
        ("roomMessage", {"text": "x"}),
        ("roomMessage", {"id": "1"}),
        ("roomMessage", {"id": "1", "text": ""}),
        ("roomMessage", {"id": "1", "text": " \n"}),
        ("roomMessage", {"id": "1", "text": "x" * 1001}),
        ("inputGrant", {}),
        ("inputGrant", {"to": {}}),
    ],
)
async def test_an_unusable_message_is_answered(
    client: Client, wire_name: str, fields: Json
) -> None:
    """The player is told what is wrong with which message, and stays."""
    player = await client.player()
    await player.say(wire_name, **fields)
    error = await player.hear_type("error")
    assert (error["code"], error["of"]) == ("bad_message", wire_name)
    await player.hears_nothing_before()


@pytest.mark.parametrize(
    ("wire_name", "fields", "code"),
    [
        ("inviteRequest", {}, "not_watching"),
        ("inviteRevoke", {}, "no_room"),
        ("roomOpen", {}, "no_room"),
        ("roomMessage", {"id": "1", "text": "x"}, "no_room"),
        ("inputGrant", {"to": "x"}, "no_room"),
        ("inputTake", {}, "no_room"),
    ],
)
async def test_without_a_room_nothing_can_be_done(
    client: Client, wire_name: str, fields: Json, code: str
) -> None:
    """Each message says so, and the socket stays open."""
    player = await client.player()
    await player.say(wire_name, **fields)
    error = await player.hear_type("error")
    assert (error["code"], error["of"]) == (code, wire_name)


async def test_guests_do_not_invite(client: Client) -> None:
    """What is the visitor's is refused."""
    _, visitor, _ = await client.pair()
    peer, _ = await entered(client, await invited(visitor))
    for wire_name in ("inviteRequest", "inviteRevoke"):
        await peer.say(wire_name)
        error = await peer.hear_type("error")
        assert (error["code"], error["of"]) == ("forbidden", wire_name)


async def test_where_nobody_can_be_invited(start: Start) -> None:
    """With no guests allowed messages and route say so."""
    client = await start(guests_per_visitor=0)
    _, visitor, _ = await client.pair()
    await visitor.say("inviteRequest")
    assert (await visitor.hear_type("error"))["code"] == "not_offered"
    assert await refused(client, "x") == (404, "not_offered")
    async with client.http.get(client.running.http("/api/guests")) as response:
        assert await response.json() == {"invitations": False, "guestsPerVisitor": 0}


async def test_rooms_are_bounded(start: Start) -> None:
    """One room more than allowed is refused; metrics tell."""
    client = await start(max_rooms=1)
    streamer, visitor, _ = await client.pair()
    await invited(visitor)
    other = await client.player()
    await client.watch(other, streamer)
    await other.say("inviteRequest")
    assert (await other.hear_type("error"))["code"] == "rooms_full"
    async with client.http.get(client.running.http("/metrics")) as response:
        text = await response.text()
    assert 'signalling_rooms{what="rooms"} 1.0' in text
    assert 'signalling_limit_hits_total{limit="max_rooms"} 1.0' in text
    assert 'signalling_invitations_total{outcome="made"} 1.0' in text


async def test_a_body_that_is_too_long(client: Client) -> None:
    """No more of it is read than a token needs."""
    url = client.running.http("/api/guests")
    async with client.http.post(url, data=b"x" * 10_000) as response:
        assert response.status == 413


async def test_nothing_of_it_is_logged(
    client: Client, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """Neither a token nor a word of the room stands in the log."""
    _, visitor, _ = await client.pair()
    invite = await invited(visitor, name="Mina Secretname")
    _, body = await exchange(client, invite["token"])
    await exchange(client, invite["token"][:-2])
    peer = await connect(client, body["pass"])
    await heard(peer, "roomState")
    await peer.say("roomMessage", id="1", text="a private sentence")
    await heard(visitor, "roomMessage")
    await peer.say("roomMessage", id="1", text="")
    await heard(peer, "error")
    written = capsys.readouterr()
    logged = written.out + written.err + caplog.text
    assert "guest_entered" in logged
    for secret in (invite["token"], body["pass"], "private sentence", "Secretname"):
        assert secret not in logged


def test_defaults_are_those_of_the_manual() -> None:
    """The figures that docs/guests.md gives."""
    settings = GuestSettings()
    assert (settings.guests_per_visitor, settings.invite_ttl) == (1, 900)
    assert (settings.room_grace, settings.room_history) == (60, 50)


def test_messages_have_a_longest_size() -> None:
    """A full history of the longest messages fits the player's outbox."""
    longest = json.dumps({"text": "\u0001" * 1000, "name": "x" * 64, "id": "x" * 64})
    settings = GuestSettings()
    assert len(longest) * settings.room_history < 1024 * 1024
