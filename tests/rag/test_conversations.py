"""Whole conversations with the consultant over the demonstration, by rules and local models."""

import json
from pathlib import Path
from typing import Any

from rag.consultant.chat import Chat, open_chat
from rag.engine import open_engine
from rag.settings import RagSettings
from stores.sqlite import SqliteStore
from tests.rag.showroom import ask, of, words

CONVERSATIONS: list[list[dict[str, Any]]] = [
    json.loads(line)
    for line in Path(__file__).with_name("conversations.jsonl").read_text("utf-8").splitlines()
]

SETTINGS = RagSettings(
    demo_catalogue=True,
    embedding_timeout=60,
    vector_timeout=60,
    chat_search_timeout=60,
    chat_store_timeout=10,
)


async def test_conversations(store: SqliteStore, tmp_path: Path) -> None:
    """Visitors get what they would call an answer, one sentence after the other."""
    async with (
        open_engine(SETTINGS, store, tmp_path) as engine,
        open_chat(engine, store, SETTINGS) as chat,
    ):
        await engine.load_demo()
        await chat.read_places()
        wrong = [
            (turn["say"], problem)
            for number, turns in enumerate(CONVERSATIONS)
            for turn in turns
            if (problem := problem_of(turn, await _said(chat, turn["say"], f"user-{number}")))
        ]
    assert wrong == []


async def _said(chat: Chat, text: str, user: str) -> Any:
    return await ask(chat, text, user=user)


def problem_of(turn: dict[str, Any], events: Any) -> str:
    """Return what is wrong with an answer; empty if it is as the conversation says."""
    said, products = words(events), (of(events, "chatProducts") or {}).get("products", [])
    partners = (of(events, "chatPartners") or {}).get("partners", [])
    action = of(events, "chatAction")
    checks = {
        f"no {turn.get('answer')!r} in {said!r}": turn.get("answer", "") in said,
        f"forbidden words in {said!r}": not any(w in said for w in turn.get("never", ())),
        f"{len(products)} cards": turn.get("cards", bool(products)) == bool(products),
        f"{len(partners)} partners": turn.get("partners", bool(partners)) == bool(partners),
        f"action {action}": turn.get("action") == (action and action["action"]),
        f"lines of {said!r}": turn.get("lines", 0) in {0, said.count("\n") + 1},
        f"first of {products}": all(
            card["category"] == kind
            for card, kind in zip(products, turn.get("first", ()), strict=False)
        ),
    }
    return "; ".join(problem for problem, is_fine in checks.items() if not is_fine)
