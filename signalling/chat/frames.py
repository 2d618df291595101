"""
What server and consultant say to each other over the pipes between them.

A message is a tuple, its kind first, pickled behind its length: both ends are this
program, started by itself, and share the classes of questions, events and options.
"""

import pickle
import struct
from asyncio import StreamReader
from typing import Any, BinaryIO, Final

LENGTH: Final = struct.Struct(">I")

Message = tuple[Any, ...]


def frame(message: Message) -> bytes:
    """Return *message* as it goes through the pipe."""
    body = pickle.dumps(message, protocol=pickle.HIGHEST_PROTOCOL)
    return LENGTH.pack(len(body)) + body


async def receive(reader: StreamReader) -> Message:
    """Return the next message; raises `IncompleteReadError` when there is none any more."""
    (length,) = LENGTH.unpack(await reader.readexactly(LENGTH.size))
    return _read(await reader.readexactly(length))


def receive_blocking(stream: BinaryIO) -> Message | None:
    """Return the next message, waiting for it; None when there is none any more."""
    head = stream.read(LENGTH.size)
    if len(head) < LENGTH.size:
        return None
    (length,) = LENGTH.unpack(head)
    body = stream.read(length)
    return _read(body) if len(body) == length else None


def _read(body: bytes) -> Message:
    message: Message = pickle.loads(body)  # noqa: S301 - of a process we started ourselves
    return message
