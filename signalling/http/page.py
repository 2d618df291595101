"""The page: static files below the folders that the operator names."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from aiohttp import web

from signalling.errors import OptionError
from signalling.options.web import WebSettings

BUILT_IN: Final = Path(__file__).parents[1] / "page"
"""Where the build of `web/` puts the page."""

BUILT_IN_HOMEPAGE: Final = "index.html"

STOCK_HOMEPAGE: Final = "player.html"
"""What Epic's servers call the page; people have it in their bookmarks."""

HOMEPAGES: Final = (BUILT_IN_HOMEPAGE, STOCK_HOMEPAGE)
"""What is looked for where the operator names no file: Epic's own build has the second."""

NOT_BUILT: Final = """<!doctype html><title>No page yet</title>
<p>This server runs, but its page was not built: run <code>make page</code>,
or name a folder with <code>--http_root</code>."""

CONTENT_SECURITY_POLICY: Final = (
    "default-src 'self'; connect-src 'self' ws: wss:; img-src 'self' data: blob: https:; "
    "media-src 'self' blob:; object-src 'none'; base-uri 'none'; form-action 'none'; "
    "require-trusted-types-for 'script'"
)
"""
For the built-in page.

Not every browser takes 'self' for a WebSocket of the same host; pictures of
products may be anywhere.
"""

YEAR: Final = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class Mount:
    """A folder and the path of the URL below which it is served."""

    prefix: str
    folder: Path

    def find(self, path: str) -> Path | None:
        """
        Return the file or folder that *path*, without a leading slash, means.

        None if there is none, if it is outside the folder, or hidden.
        """
        if path != self.prefix and not path.startswith(self.prefix and f"{self.prefix}/"):
            return None
        name = path[len(self.prefix) :].lstrip("/")
        if any(part.startswith(".") for part in PurePosixPath(name).parts):
            return None
        try:
            target = (self.folder / name).resolve()
            return target if target.is_relative_to(self.folder) and target.exists() else None
        except (OSError, ValueError):
            # A name too long for the file system, or with a null byte.
            return None


class Page:
    """Serves the files of some folders, the first that has one, and the homepage at /."""

    def __init__(
        self, mounts: Sequence[Mount], *, homepages: Sequence[str], headers: Mapping[str, str]
    ) -> None:
        self._mounts = tuple(mounts)
        self._homepages = tuple(homepages)
        self._headers = dict(headers)

    def respond(self, path: str) -> web.StreamResponse:
        """
        Return the file at *path* of the URL, which begins with a slash.

        Raises:
            HTTPNotFound: There is none.

        """
        name = path.lstrip("/")
        target = self._find_homepage() if not name else self._find(name)
        if target is None and name == STOCK_HOMEPAGE:
            target = self._find_homepage()
        if target is None:
            raise self._missing(name)
        if target.is_dir():
            # Relative links in the page need the slash.
            folder = PurePosixPath(name).name
            return web.Response(status=302, headers={"Location": f"{folder}/"})
        # Only there every file has its content's hash in its name.
        cache = YEAR if target.is_relative_to(BUILT_IN / "assets") else "no-cache"
        return web.FileResponse(target, headers={**self._headers, "Cache-Control": cache})

    def _find(self, name: str) -> Path | None:
        return next((found for found in self._candidates(name) if self._is_page(found)), None)

    def _candidates(self, name: str) -> Iterator[Path]:
        for mount in self._mounts:
            target = mount.find(name.rstrip("/"))
            if target is not None:
                yield target / "index.html" if name.endswith("/") else target

    @staticmethod
    def _is_page(target: Path) -> bool:
        return target.is_file() or (target / "index.html").is_file()

    def _find_homepage(self) -> Path | None:
        """Return the first homepage that is there; it may be named by its whole path."""
        for homepage in self._homepages:
            path = Path(homepage)
            found = path if path.is_absolute() and path.is_file() else self._find(homepage)
            if found is not None:
                return found
        return None

    def _missing(self, name: str) -> web.HTTPNotFound:
        if name:
            return web.HTTPNotFound(text=f"no such file: {name[:200]}")
        if self._mounts[0].folder == BUILT_IN:
            return web.HTTPNotFound(text=NOT_BUILT, content_type="text/html")
        return web.HTTPNotFound(text=f"no such file: {' or '.join(self._homepages)}")


def page_from(settings: WebSettings) -> Page | None:
    """
    Return the page that *settings* ask for, if any.

    Raises:
        OptionError: A folder is not there.

    """
    if not settings.serve:
        return None
    own = settings.http_root is not None
    root = _folder("http_root", settings.http_root) if settings.http_root else BUILT_IN
    mounts = [Mount("", root)] + [
        Mount(prefix.strip("/"), _folder("additional_routes", folder))
        for prefix, folder in settings.additional_routes.items()
    ]
    named = (settings.homepage,) if settings.homepage else HOMEPAGES
    return Page(
        mounts,
        homepages=named if own or Path(settings.homepage).is_absolute() else HOMEPAGES[:1],
        headers=page_headers(settings),
    )


def page_headers(settings: WebSettings) -> dict[str, str]:
    """Return what every file is sent with; a page of the operator's has a policy of its own."""
    own = settings.http_root is not None or Path(settings.homepage).is_absolute()
    given = settings.content_security_policy
    policy = given if given is not None else "" if own else CONTENT_SECURITY_POLICY
    ancestors = f"frame-ancestors {settings.frame_ancestors}"
    directives = [part for part in (policy.strip().rstrip(";"), ancestors) if part]
    return {
        "Content-Security-Policy": "; ".join(directives),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin",
    }


def _folder(option: str, path: Path) -> Path:
    if not path.is_dir():
        raise OptionError(f"{option}: {path} is no folder; leave it out for the built-in page")
    return path.resolve()
