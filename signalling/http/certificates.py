"""The certificate of the HTTPS port, which changes while the server runs."""

import ssl
from pathlib import Path

import structlog

from signalling.errors import OptionError

log = structlog.get_logger()

Version = tuple[int, int]
"""When each of the two files changed, in nanoseconds."""


class Certificate:
    """
    A TLS context whose certificate follows its files.

    Connections that are open keep the certificate they began with.

    Raises:
        OptionError: The files cannot be read, or do not belong together.

    """

    def __init__(self, *, cert_path: Path, key_path: Path) -> None:
        self._cert_path = cert_path
        self._key_path = key_path
        self._seen = self._version()
        self.context = self._load(_new_context())

    def reload_if_changed(self) -> None:
        """Read the files again if one of them changed since they were last looked at."""
        try:
            version = self._version()
        except OptionError:
            # Between the removal of the old file and the renaming of the new one.
            return
        if version != self._seen:
            self._seen = version
            self.reload()

    def reload(self) -> None:
        """Read the files again; with unusable ones the old certificate stays."""
        try:
            # Tried on another context first: a wrong key would spoil the one in use.
            self._load(_new_context())
            self._load(self.context)
        except OptionError as exc:
            log.error("certificate_unusable", reason=str(exc))  # noqa: TRY400 - no traceback
        else:
            log.info("certificate_loaded", file=str(self._cert_path))

    def _version(self) -> Version:
        return (
            _changed_at("ssl_cert_path", self._cert_path),
            _changed_at("ssl_key_path", self._key_path),
        )

    def _load(self, context: ssl.SSLContext) -> ssl.SSLContext:
        try:
            context.load_cert_chain(self._cert_path, self._key_path, password=_refuse_password)
        except (OSError, ValueError) as exc:
            raise OptionError(
                f"ssl_cert_path: {self._cert_path} and {self._key_path} are no certificate"
                f" and key that belong together ({exc})"
            ) from None
        return context


def _new_context() -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.set_alpn_protocols(["http/1.1"])
    return context


def _refuse_password() -> str:
    """Keep OpenSSL from asking at the terminal."""
    raise ValueError("the key is encrypted")


def _changed_at(option: str, path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError as exc:
        raise OptionError(f"{option}: cannot read {path}: {exc.strerror}") from None
