"""The API's description of itself: for programs as OpenAPI, for people as a page."""

from functools import cache
from pathlib import Path
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from pluseboard.openapi import build_document
from pluseboard.reference import render

STYLE = Path(__file__).parent.parent / "web" / "docs.css"


class Json(Response):
    media_type = "application/json"


class Css(Response):
    media_type = "text/css"


async def openapi(request: Request) -> Json:
    """This API as an OpenAPI 3.1 document

    Made from the types that check the requests. The sockets and their frames are under `x-websockets`.
    """
    return Json(_made(request)[0])


async def page(request: Request) -> HTMLResponse:
    """The same document as a page to read."""
    return HTMLResponse(_made(request)[1])


async def style() -> Css:
    """The page's stylesheet."""
    return Css(_style())


def _made(request: Request) -> tuple[bytes, bytes]:
    """The document and its page, made for the first who asks."""
    state: Any = request.app.state
    if not hasattr(state, "docs"):
        document = build_document(state.endpoints, sockets=state.sockets)
        state.docs = (msgspec.json.encode(document), render(document).encode())
    docs: tuple[bytes, bytes] = state.docs
    return docs


@cache
def _style() -> bytes:
    return STYLE.read_bytes()
