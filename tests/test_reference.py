"""The page of the OpenAPI document: whole, safe, and readable without scripts or internet."""

from html.parser import HTMLParser

import httpx
from starlette.applications import Starlette
from starlette.responses import Response

from pluseboard import routes
from pluseboard.auth import CurrentUser
from pluseboard.handlers import docs
from pluseboard.http import Endpoint, api, path_routes
from pluseboard.markup import prose
from pluseboard.openapi import SocketDoc, written
from pluseboard.schemas import Done, NewMessage
from pluseboard.socket_catalog import SOCKETS


async def odd(user: CurrentUser, body: NewMessage) -> Done:
    """Say <b>hello</b> & "more".

    With a `client_msg_id` < 5.
    Raises Conflict.
    """
    raise NotImplementedError


async def silent(token: str) -> Response:
    """Say nothing."""
    raise NotImplementedError


SMALL = [
    api("POST", "/api/odd", odd, 201),
    api("DELETE", "/api/odd/{token}", silent),
    api("GET", "/api/openapi.json", docs.openapi),
    api("GET", "/api/docs", docs.page),
    api("GET", "/api/docs.css", docs.style),
]


class Checker(HTMLParser):
    """Collects text, and complains of tags that do not close and attributes that a strict policy forbids."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = dict(attrs)
        assert tag not in ("script", "style", "iframe", "object")
        assert not [name for name in names if name == "style" or name.startswith("on")]
        self.ids += [names["id"] or ""] if "id" in names else []
        self.links += [names[name] or "" for name in ("href", "src") if name in names]
        if tag not in ("meta", "link", "br", "wbr"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


async def _get(path: str, endpoints: list[Endpoint], sockets: list[SocketDoc]) -> httpx.Response:
    app = Starlette(routes=path_routes(endpoints))
    app.state.services, app.state.endpoints, app.state.sockets = None, endpoints, sockets
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        return await client.get(path)


async def test_the_document_is_served_as_json() -> None:
    answer = await _get("/api/openapi.json", SMALL, [])
    assert answer.headers["content-type"] == "application/json"
    assert "/api/odd/" in answer.json()["paths"]


async def test_the_page_shows_every_operation_and_needs_no_script_or_internet() -> None:
    answer = await _get("/api/docs", routes.ENDPOINTS, SOCKETS)
    page = Checker()
    page.feed(answer.text)
    assert page.open == []
    assert len(set(page.ids)) == len(page.ids)
    assert [link for link in page.links if not link.startswith(("/api/", "#"))] == []
    assert {link[1:] for link in page.links if link.startswith("#")} <= set(page.ids)
    for endpoint in routes.ENDPOINTS:
        summary = (endpoint.handler.__doc__ or "").partition("\n")[0].partition(" Raises ")[0].rstrip(".")
        assert f"{endpoint.method}{written(endpoint.path)}{summary}" in page.text
    for socket in SOCKETS:
        assert f"WS{written(socket.path)}{socket.summary}" in page.text


async def test_the_page_escapes_what_it_shows() -> None:
    answer = await _get("/api/docs", SMALL, [])
    assert 'Say &lt;b&gt;hello&lt;/b&gt; &amp; "more"' in answer.text
    assert "<code>client_msg_id</code> &lt; 5." in answer.text
    assert "Raises" not in answer.text


async def test_examples_can_be_pasted_into_a_shell() -> None:
    answer = await _get("/api/docs", SMALL, [])
    lines = ["curl http://localhost:8000/api/odd/", "-b jar -c jar", "-H 'Content-Type: application/json'", "-d '{"]
    assert " \\\n  ".join(lines) in answer.text
    assert "curl -X DELETE http://localhost:8000/api/odd/TOKEN/ \\\n  -b jar -c jar<" in answer.text


def test_docstrings_may_have_paragraphs_code_headings_and_lists() -> None:
    text = "### A\n\nb `c`\n\n- d\n- `e`\n\n`f`"
    assert prose(text) == ("<h3>A</h3><p>b <code>c</code></p><ul><li>d</li><li><code>e</code></li></ul><pre><code>f</code></pre>")


async def test_the_stylesheet_is_served_from_here_and_loads_nothing() -> None:
    answer = await _get("/api/docs.css", SMALL, [])
    assert answer.headers["content-type"].startswith("text/css")
    assert "prefers-color-scheme: dark" in answer.text
    assert "url(" not in answer.text
    assert "@import" not in answer.text
