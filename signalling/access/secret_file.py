"""The signing key that a server makes for itself, and keeps."""

import os
import secrets
import stat
from pathlib import Path
from typing import Final

import structlog

from signalling.errors import OptionError

FILE_NAME: Final = "session_secret"

log = structlog.get_logger()


def kept_secret(data_dir: Path) -> str:
    """
    Return the secret in *data_dir*, made at the first call; only we may read it.

    Where nothing can be written, the secret lasts as long as this process.

    Raises:
        OptionError: There is a file, but it holds nothing or cannot be read.

    """
    path = data_dir / FILE_NAME
    try:
        if not path.exists():
            _create(path)
    except OSError as exc:
        log.warning("session_secret_not_kept", path=str(path), reason=exc.strerror)
        return secrets.token_urlsafe(32)
    return _read(path)


def _create(path: Path) -> None:
    """Write a new secret; of several processes that start at once, the first one wins."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{FILE_NAME}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(32))
        _publish(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def _publish(draft: Path, path: Path) -> None:
    try:
        path.hardlink_to(draft)
    except FileExistsError:
        return
    except OSError:
        # A file system without links: the last of two processes would win.
        draft.replace(path)


def _read(path: Path) -> str:
    try:
        secret = path.read_text(encoding="ascii").strip()
        is_open = os.name == "posix" and path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO)
    except (OSError, ValueError) as exc:
        raise OptionError(f"data_dir: cannot read {path}: {exc}") from None
    if not secret:
        raise OptionError(f"data_dir: {path} is empty; remove it and start again")
    if is_open:
        log.warning("session_secret_readable_by_others", path=str(path))
    return secret
