"""The consultant on the player's socket and as server-sent events."""

import asyncio
import shutil
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.signalling.peers import Client, Json, Peer, Start, consultant_ready

LAST = {"chatDone", "chatError", "error"}


async def _player(client: Client, **options: Any) -> Peer:
    peer = await client.connect("player", **options)
    await peer.hear_type("config")
    return peer


async def _turn(peer: Peer, **fields: Any) -> list[Json]:
    """Ask and return all messages up to the last one of the answer."""
    await peer.say("chat", **fields)
    return await _rest(peer)


async def _rest(peer: Peer) -> list[Json]:
    found = [await peer.hear()]
    while found[-1]["type"] not in LAST:
        found.append(await peer.hear())
    return found


def _cards(messages: list[Json]) -> list[Json]:
    return next(m["products"] for m in messages if m["type"] == "chatProducts")


async def test_a_visitor_asks_and_follows_up(shop: Client) -> None:
    """Cards come first and inside the budget; a follow-up is cheaper; `show it` acts."""
    peer = await _player(shop)
    first = await _turn(peer, id="a", text="거실에 둘 따뜻한 느낌의 소파, 150만원 이하")
    assert [m["type"] for m in first][:2] == ["chatProducts", "chatDelta"]
    assert {m["id"] for m in first} == {"a"}
    cards = _cards(first)
    assert all(int(c["price"]) <= 1_500_000 and c["currency"] == "KRW" for c in cards)
    assert all("sofa" in c["category"] for c in cards)
    assert first[-1]["model"] == "extractive"
    assert {"embed", "search", "firstToken", "total"} <= set(first[-1]["timings"])
    cheaper = _cards(await _turn(peer, id="b", text="더 저렴한 걸로"))
    assert all(int(c["price"]) < int(cards[0]["price"]) for c in cheaper)
    shown = await _turn(peer, id="c", text="두 번째 걸로 보여줘")
    act = next(m for m in shown if m["type"] == "chatAction")
    assert act["action"] == "showProduct"
    assert act["arguments"] == {
        "ueAsset": cheaper[1]["ueAsset"],
        "name": cheaper[1]["name"],
    }


async def test_fields_win_over_the_text(shop: Client) -> None:
    """Budget, currency and style of the message count, whatever the text says."""
    peer = await _player(shop)
    fields = {"budget": "400000", "currency": "KRW", "style": "modern"}
    cards = _cards(await _turn(peer, id="a", text="chair under ₩9,000,000", **fields))
    assert cards
    assert all(int(c["price"]) <= 400_000 and c["style"] == "modern" for c in cards)


async def test_partners(shop: Client) -> None:
    """Who asks for a designer in Seoul is shown partners who work there."""
    peer = await _player(shop)
    said = await _turn(peer, id="p", text="find me a designer in Seoul for a small apartment")
    assert said[0]["type"] == "chatPartners"
    assert said[0]["partners"]
    assert all("Seoul" in p["regions"] for p in said[0]["partners"])


async def test_history_is_the_users_own(shop: Client) -> None:
    """The same cookie reads the history back on a new socket; another visitor has none."""
    user = shop.server.users.signed("anon:1234")
    peer = await _player(shop)
    await _turn(peer, id="a", text="grey sofa", user=user)
    other = await _player(shop)
    await other.say("chatHistory", user=user)
    said = (await other.hear_type("chatHistory"))["messages"]
    assert [m["role"] for m in said] == ["user", "assistant"]
    assert said[0]["text"] == "grey sofa"
    assert said[1]["products"]
    await other.say("chatHistory")
    assert (await other.hear_type("chatHistory"))["messages"] == []
    await other.say("chatHistory", userId="anon:1234")
    assert (await other.hear_type("chatHistory"))["messages"] == []


async def test_feedback_on_what_was_shown(shop: Client) -> None:
    """A thumb counts for a product that was shown; for another it is refused."""
    peer = await _player(shop)
    cards = _cards(await _turn(peer, id="a", text="desk"))
    await peer.say("chatFeedback", id="a", productId=cards[0]["id"], helpful=True)
    await peer.say("chatFeedback", id="a", productId="nothing", helpful=True)
    refusal = await peer.hear_type("error")
    assert (refusal["code"], refusal["of"]) == ("not_found", "chatFeedback")


@pytest.mark.parametrize(
    ("wire_name", "fields"),
    [
        ("chat", {"id": "a"}),
        ("chat", {"id": 7, "text": "sofa"}),
        ("chat", {"id": "a", "text": "sofa", "budget": "much"}),
        ("chat", {"id": "a", "text": "sofa", "budget": 1.5}),
        ("chatCancel", {}),
        ("chatHistory", {"limit": 100_000}),
        ("chatFeedback", {"id": "a", "helpful": "yes"}),
    ],
)
async def test_unusable_messages_leave_the_socket_open(
    shop: Client, wire_name: str, fields: Json
) -> None:
    """Each gets `error` with the type it is about, and nothing else happens."""
    peer = await _player(shop)
    await peer.say(wire_name, **fields)
    refusal = await peer.hear_type("error")
    assert (refusal["code"], refusal["of"]) == ("bad_message", wire_name)
    await peer.hears_nothing_before()


async def test_questions_that_are_none(shop: Client) -> None:
    """An empty or endless text gets `chatError`."""
    peer = await _player(shop)
    for text in ("  ", "x" * 3_000):
        said = await _turn(peer, id="a", text=text)
        assert [(m["type"], m["code"]) for m in said] == [("chatError", "bad_question")]


async def test_too_many_questions_a_minute(shop: Client) -> None:
    """Beyond the limit a visitor is told when to ask again."""
    shop.server.retrieval._room.consultant._limit._limit = 2  # type: ignore[union-attr]
    peer = await _player(shop)
    for key in "ab":
        assert (await _turn(peer, id=key, text="rug"))[-1]["type"] == "chatDone"
    said = await _turn(peer, id="c", text="rug")
    assert (said[-1]["code"], said[-1]["retryAfter"] > 0) == ("rate_limited", True)


async def test_one_answer_at_a_time_and_cancel(
    shop: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second question is `busy` while the first is answered; `chatCancel` ends that."""
    stuck = asyncio.Event()
    retriever = shop.server.retrieval._room.engine.products.retriever  # type: ignore[union-attr]

    async def search(*_: object, **__: object) -> None:
        await stuck.wait()

    monkeypatch.setattr(retriever, "search", search)
    peer = await _player(shop)
    await peer.say("chat", id="a", text="sofa")
    assert (await _turn(peer, id="b", text="sofa"))[-1]["code"] == "busy"
    await peer.hears_nothing_before()
    await peer.say("chatCancel", id="a")
    assert await peer.hear() == {"type": "chatDone", "id": "a", "cancelled": True}


async def test_signalling_goes_on_meanwhile(
    shop: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A player whose answer takes forever subscribes and is pinged as ever."""
    stuck = asyncio.Event()
    retriever = shop.server.retrieval._room.engine.products.retriever  # type: ignore[union-attr]

    async def search(*_: object, **__: object) -> None:
        await stuck.wait()

    monkeypatch.setattr(retriever, "search", search)
    streamer = await shop.streamer("Kiosk")
    peer = await _player(shop)
    await peer.say("chat", id="a", text="sofa")
    await peer.say("subscribe", streamerId="Kiosk")
    assert (await streamer.hear())["type"] == "playerConnected"


async def test_without_a_catalogue(start: Start) -> None:
    """A server without retrieval says that it has no consultant."""
    client = await start()
    peer = await _player(client)
    assert (await _turn(peer, id="a", text="sofa"))[-1]["code"] == "not_offered"


async def test_an_answer_outlives_its_socket(shop: Client) -> None:
    """Who leaves in the middle of an answer finds it in the history."""
    user = shop.server.users.signed("anon:77")
    peer = await _player(shop)
    await peer.say("chat", id="a", text="green chair", user=user)
    await peer.socket.close()
    other = await _player(shop)
    async with asyncio.timeout(10):
        while True:
            await other.say("chatHistory", user=user)
            said = (await other.hear_type("chatHistory"))["messages"]
            if said and not said[-1].get("unfinished"):
                break
    assert said[-1]["text"]


async def _events(client: Client, body: Json, **options: Any) -> tuple[int, list[Json], Any]:
    url = client.running.http("/api/chat")
    async with client.http.post(url, data=orjson.dumps(body), **options) as response:
        raw = (await response.read()).decode()
        if response.content_type != "text/event-stream":
            return response.status, [orjson.loads(raw)], response
    lines = [block.split("\n") for block in raw.split("\n\n") if block]
    found = [
        {"type": name.removeprefix("event: "), **orjson.loads(data.removeprefix("data: "))}
        for name, data in lines
    ]
    return response.status, found, response


async def test_server_sent_events(shop: Client) -> None:
    """The same events over HTTP; the cookie of the answer makes a follow-up possible."""
    status, said, response = await _events(shop, {"text": "oak dining table for four people"})
    assert status == 200
    assert [said[0]["type"], said[-1]["type"]] == ["chatProducts", "chatDone"]
    cookie = response.cookies["pycirrus_user"].value
    headers = {"Cookie": f"pycirrus_user={cookie}"}
    _, again, _ = await _events(shop, {"text": "cheaper"}, headers=headers)
    assert float(_cards(again)[0]["price"]) < float(_cards(said)[0]["price"])


@pytest.mark.parametrize("body", [[], {"text": 7}, {"text": "sofa", "budget": "x"}, {}])
async def test_bad_bodies(shop: Client, body: Any) -> None:
    """They are refused in the form every route uses."""
    status, said, _ = await _events(shop, body)
    assert (status, said[0]["error"]["code"]) == (400, "bad_request")


async def test_one_address_is_many_users(start: Start, tmp_path: Path, showroom: Path) -> None:
    """Whoever has an id for each question is counted by address; a back end is not."""
    shutil.copytree(showroom, tmp_path / "data")
    shop = await start(
        retrieval=True,
        data_dir=tmp_path / "data",
        admin_token="operator",
        chat_per_minute_per_address=2,
        limit_loopback=True,
    )
    await consultant_ready(shop)
    peer = await _player(shop)
    for number in range(2):
        user = shop.server.users.signed(f"anon:{number}")
        assert (await _turn(peer, id="a", text="rug", user=user))[-1]["type"] == "chatDone"
    user = shop.server.users.signed("anon:3")
    (refused,) = await _turn(peer, id="a", text="rug", user=user)
    assert (refused["type"], refused["code"]) == ("chatError", "rate_limited")
    assert refused["retryAfter"] > 0
    status, said, _ = await _events(shop, {"text": "rug"})
    assert (status, said[0]["error"]["code"]) == (429, "rate_limited")
    trusted = {"Authorization": "Bearer operator"}
    assert (await _events(shop, {"text": "rug"}, headers=trusted))[0] == 200
    counted = b'signalling_limit_hits_total{limit="chat_per_minute_per_address"} 2.0'
    assert counted in shop.server.metrics.exposition()


async def test_nothing_of_a_text_in_the_log(
    shop: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    """Neither a question nor a name in it is logged at info."""
    peer = await _player(shop)
    await _turn(peer, id="a", text="a sofa for Zanzibarella, please")
    await peer.say("chat", id="b", text=["Zanzibarella"])
    await peer.hear_type("error")
    captured = capsys.readouterr()
    assert "Zanzibarella" not in captured.out + captured.err


async def test_an_operator_removes_a_users_history(shop: Client) -> None:
    """`DELETE /api/users/{id}` forgets what the consultant keeps of a user."""
    user = shop.server.users.signed("anon:9")
    peer = await _player(shop)
    await _turn(peer, id="a", text="rug", user=user)
    headers = {"Authorization": "Bearer operator"}
    url = shop.running.http("/api/users/anon:9")
    async with shop.http.delete(url, headers=headers) as response:
        assert response.status == 204
    await peer.say("chatHistory", user=user)
    assert (await peer.hear_type("chatHistory"))["messages"] == []


@pytest.mark.parametrize("retrieval", [True, False])
async def test_page_can_ask_whether_there_is_a_chat(
    start: Start, tmp_path: Path, *, retrieval: bool
) -> None:
    """The page learns of the chat without sending a message that a server may not know."""
    client = await start(retrieval=retrieval, data_dir=tmp_path)
    async with client.http.get(client.running.http("/api/chat")) as response:
        assert await response.json() == {"chat": retrieval}


async def test_a_guest_hears_what_the_visitor_asks(shop: Client) -> None:
    """Question, cards and answer reach both; the scene's action goes to whoever steers."""
    streamer, visitor, _ = await shop.pair()
    await visitor.say("inviteRequest", name="Mina", visitor="Ada")
    invite = await visitor.hear_type("invite")
    url = shop.running.http("/api/guests")
    async with shop.http.post(url, json={"token": invite["token"]}) as response:
        shown = (await response.json())["pass"]
    guest = await shop.connect("player", protocols=["guest", shown])
    guest_id = (await _next(guest, "roomState"))["you"]
    own = await _turn(visitor, id="a", text="거실에 둘 소파 보여줘")
    own = [each for each in own if each["type"].startswith("chat")]
    heard = await _overheard(guest)
    assert [each["type"] for each in heard] == ["chat", *(each["type"] for each in own)]
    assert (heard[0]["text"], heard[0]["id"]) == ("거실에 둘 소파 보여줘", "a")
    assert heard[1:] == own

    await visitor.say("inputGrant", to=guest_id)
    await _next(guest, "inputHolder")
    own = await _turn(visitor, id="b", text="두 번째 걸로 보여줘")
    assert "chatAction" not in {each["type"] for each in own}
    assert "chatAction" in {each["type"] for each in await _overheard(guest)}
    await guest.say("chat", id="a", text="cheaper")
    assert (await _next(visitor, "roomChat"))["name"] == "Mina"
    await streamer.hears_nothing_before()


async def _next(peer: Peer, wire_name: str) -> Json:
    while (message := await peer.hear())["type"] != wire_name:
        pass
    return message


async def _overheard(peer: Peer) -> list[Json]:
    found = [(await _next(peer, "roomChat"))["message"]]
    while found[-1]["type"] not in LAST:
        found.append((await _next(peer, "roomChat"))["message"])
    return found
