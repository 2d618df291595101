"""How long what users said is kept."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager

from rag.consultant.conversation import CHATS
from rag.feedback import FEEDBACK
from stores.documents import DocumentStore
from stores.retention import kept_for


def history_kept(
    store: DocumentStore,
    days: int,
    *,
    now: Callable[[], float] = time.time,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> AbstractAsyncContextManager[None]:
    """Keep conversations, and thumbs, for *days* after their last change; 0 is for ever."""
    return kept_for(store, {CHATS: "at", FEEDBACK: "at"}, days, now=now, sleep=sleep)
