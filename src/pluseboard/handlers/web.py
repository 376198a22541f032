"""The web app: its page, for every address that is one of its views, and its files.

Files are served under a path that holds a hash of them all (`/app/3f2a.../main.js`), so browsers may keep them for ever, and the
relative imports of the modules need no build. The page itself is asked for anew each time (its ETag is that hash).
"""

import gzip
import hashlib
import mimetypes
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pluseboard.errors import MethodNotAllowed, NotFound
from pluseboard.markup import Markup, el, join

FOLDER = Path(__file__).parent.parent / "web" / "app"
PAGE = FOLDER / "index.html"
VIEWS = ["/", "/sign-in", "/register", "/invite/{token}", "/account", "/sessions", "/notifications", "/new", "/w/{rest:path}"]
API = ("/api", "/ws", "/dev", "/app", "/livez", "/readyz", "/metrics")
FOREVER = "public, max-age=31536000, immutable"
TYPES = {".js": "text/javascript", ".css": "text/css", ".woff2": "font/woff2", ".svg": "image/svg+xml"}
MIN_GZIP = 512


@dataclass(frozen=True)
class File:
    media_type: str
    body: bytes
    zipped: bytes | None

    def response(self, request: Request, headers: dict[str, str]) -> Response:
        zip_it = self.zipped is not None and "gzip" in request.headers.get("accept-encoding", "")
        headers = {**headers, "Vary": "Accept-Encoding"}
        if zip_it:
            headers["Content-Encoding"] = "gzip"
        return Response(self.zipped if zip_it else self.body, headers=headers, media_type=self.media_type)


@dataclass(frozen=True)
class Build:
    """The files as they were read, and the page that loads them."""

    version: str
    files: dict[str, File]
    page: File


async def view(request: Request) -> Response:
    """The page. Which view it shows is decided by the address, in the browser."""
    _only_read(request)
    build = _build(request)
    # Weak: the same page travels zipped and not.
    etag = f'W/"{build.version}"'
    headers = {"Cache-Control": "no-cache", "ETag": etag}
    if etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return build.page.response(request, headers)


async def file(request: Request) -> Response:
    """One file of the app. An old version's name gets the newest file, but may not be kept."""
    _only_read(request)
    build = _build(request)
    found = build.files.get(request.path_params["name"])
    if found is None:
        raise NotFound
    current = request.path_params["version"] == build.version
    return found.response(request, {"Cache-Control": FOREVER if current else "no-cache"})


async def anything_else(request: Request) -> Response:
    """People who follow a dead link see a page; programs get the JSON of every other 404."""
    path = request.url.path
    is_page = request.method in ("GET", "HEAD") and "text/html" in request.headers.get("accept", "")
    if not is_page or any(path == prefix or path.startswith(f"{prefix}/") for prefix in API):
        raise NotFound
    response = _build(request).page.response(request, {"Cache-Control": "no-store"})
    response.status_code = 404
    return response


def routes() -> list[Route]:
    """To stand after all others."""
    return [
        *(Route(path, _Any(view), methods=None) for path in VIEWS),
        Route("/app/{version}/{name:path}", _Any(file), methods=None),
        Route("/{rest:path}", _Any(anything_else), methods=None),
    ]


class _Any:
    """An ASGI class, so that Starlette leaves the methods to us."""

    def __init__(self, respond: object) -> None:
        self._respond = respond

    async def __call__(self, scope: object, receive: object, send: object) -> None:
        response = await self._respond(Request(scope, receive, send))  # type: ignore[operator,arg-type]
        await response(scope, receive, send)


def _only_read(request: Request) -> None:
    if request.method not in ("GET", "HEAD"):
        raise MethodNotAllowed(["GET"])


def _build(request: Request) -> Build:
    """Read once; in DEBUG whenever a file has changed, so that a reload of the page shows it."""
    newest = max(path.stat().st_mtime_ns for path in _sources()) if request.app.state.services.settings.debug else 0
    return _read(newest)


@cache
def _read(newest: int) -> Build:
    names = {str(path.relative_to(FOLDER)): path for path in _sources()}
    contents = {name: path.read_bytes() for name, path in names.items()}
    digest = hashlib.sha256()
    for name, content in contents.items():
        digest.update(name.encode() + b"\0" + content + b"\0")
    version = digest.hexdigest()[:16]
    files = {name: _file(name, content) for name, content in contents.items() if name != PAGE.name}
    page = contents[PAGE.name].decode().replace("<!-- files -->", _links(version, files)).replace("{base}", f"/app/{version}")
    return Build(version, files, _file(PAGE.name, page.encode()))


def _sources() -> list[Path]:
    return sorted(path for path in FOLDER.rglob("*") if path.suffix in (*TYPES, ".html") and not path.name.endswith(".d.ts"))


def _file(name: str, content: bytes) -> File:
    suffix = Path(name).suffix
    media_type = TYPES.get(suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"
    zipped = (
        gzip.compress(content, 9, mtime=0) if suffix in (".js", ".css", ".html", ".svg") and len(content) > MIN_GZIP else None
    )
    return File(media_type, content, zipped)


def _links(version: str, files: dict[str, File]) -> Markup:
    """All modules at once, so that the browser need not discover them import by import."""
    styles = [el("link", rel="stylesheet", href=f"/app/{version}/{name}") for name in files if name.endswith(".css")]
    modules = [el("link", rel="modulepreload", href=f"/app/{version}/{name}") for name in files if name.endswith(".js")]
    return join(*styles, *modules)
