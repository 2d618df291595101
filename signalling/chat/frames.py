"""
What server and consultant say to each other over the pipes between them.

A message is a tuple, its kind first, pickled behind its length: both ends are this
program, started by itself, and share the classes of questions, events and options.
"""

import pickle
import struct
from asyncio import StreamReader
from io import RawIOBase
from typing import Any, Final

LENGTH: Final = struct.Struct(">I")

Message = tuple[Any, ...]


def frame(message: Message) -> bytes:
    """Return *message* as it goes through the pipe."""
    body = pickle.dumps(message, protocol=pickle.HIGHEST_PROTOCOL)
    return LENGTH.pack(len(body)) + body


def send(stream: RawIOBase, message: Message) -> None:
    """Write *message* to a pipe whose other end always reads."""
    rest = memoryview(frame(message))
    while rest:
        rest = rest[stream.write(rest) :]


async def receive(reader: StreamReader) -> Message:
    """Return the next message; raises `IncompleteReadError` when there is none any more."""
    (length,) = LENGTH.unpack(await reader.readexactly(LENGTH.size))
    return _read(await reader.readexactly(length))


def receive_blocking(stream: RawIOBase) -> Message | None:
    """Return the next message, waiting for it; None when there is none any more."""
    head = _exactly(stream, LENGTH.size)
    body = None if head is None else _exactly(stream, LENGTH.unpack(head)[0])
    return None if body is None else _read(body)


def _exactly(stream: RawIOBase, size: int) -> bytes | None:
    found = bytearray()
    while len(found) < size:
        more = stream.read(size - len(found))
        if not more:
            return None
        found += more
    return bytes(found)


def _read(body: bytes) -> Message:
    message: Message = pickle.loads(body)  # noqa: S301 - of a process we started ourselves
    return message
