"""How the server serves the web app: from its own files, to be kept by browsers, under a strict policy."""

import gzip
import re
from collections.abc import AsyncIterator

import httpx
import pytest

from pluseboard.handlers.web import FOLDER, VIEWS
from tests.answers import assert_error
from tests.conftest import Cluster

MAX_SCRIPT_BYTES = 150_000
HTML = {"Accept": "text/html"}


@pytest.fixture
async def visitor(cluster: Cluster) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=cluster.a.url, verify=False, trust_env=False, timeout=30) as client:
        yield client


async def links(visitor: httpx.AsyncClient) -> list[str]:
    """Every file that the page names."""
    return re.findall(r'(?:href|src)="(/app/[^"]+)"', (await visitor.get("/")).text)


@pytest.mark.parametrize(
    "path", ["/", "/invite/q5Zr0vXb3WcK1mYtJ8uHnA", "/w/1", "/w/3/c/12/m/7", *(view for view in VIEWS if "{" not in view)]
)
async def test_every_view_answers_the_page_whoever_asks(visitor: httpx.AsyncClient, path: str) -> None:
    answer = await visitor.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert answer.text == (await visitor.get("/")).text


async def test_what_is_no_view_is_not_found_in_the_words_of_whoever_asks(visitor: httpx.AsyncClient) -> None:
    page = await visitor.get("/no/such/view", headers=HTML)
    assert (page.status_code, page.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert_error(await visitor.get("/no/such/view"), 404)
    for path in ("/api/nothing", "/api", "/ws/nothing", "/dev/nothing", "/app/x/nothing.js", "/livez/x"):
        assert_error(await visitor.get(path, headers=HTML), 404)
    assert_error(await visitor.post("/no/such/view", headers=HTML), 404)
    assert_error(await visitor.post("/"), 405)


async def test_files_are_kept_for_ever_under_their_hash_and_asked_for_anew_without_it(visitor: httpx.AsyncClient) -> None:
    found = await links(visitor)
    assert len(found) > 40
    for link in found:
        answer = await visitor.get(link)
        assert answer.status_code == 200, link
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    old = re.sub(r"/app/[0-9a-f]+/", "/app/0123456789abcdef/", found[-1])
    answer = await visitor.get(old)
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-cache")
    for outside in ("../docs.css", "..%2fdocs.css", "vendor/README.md", "html.d.ts"):
        assert_error(await visitor.get(f"{found[0].rsplit('/', 1)[0]}/{outside}"), 404)


async def test_the_page_is_asked_for_anew_and_not_sent_twice(visitor: httpx.AsyncClient) -> None:
    answer = await visitor.get("/")
    assert answer.headers["cache-control"] == "no-cache"
    again = await visitor.get("/w/1/c/2", headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


async def test_all_modules_are_announced_and_small_together(visitor: httpx.AsyncClient) -> None:
    """No module is found only when another one imports it; and nothing of them comes from elsewhere."""
    found = await links(visitor)
    scripts = {str(path.relative_to(FOLDER)) for path in FOLDER.rglob("*.js")}
    assert {link.split("/", 3)[3] for link in found if link.endswith(".js")} == scripts
    bodies = [(await visitor.get(link)).content for link in {link for link in found if link.endswith(".js")}]
    assert sum(len(gzip.compress(body)) for body in bodies) < MAX_SCRIPT_BYTES
    zipped = await visitor.get(next(link for link in found if "log.js" in link), headers={"Accept-Encoding": "gzip"})
    assert zipped.headers["content-encoding"] == "gzip"


async def test_the_policy_forbids_what_the_page_does_without(visitor: httpx.AsyncClient) -> None:
    answer = await visitor.get("/")
    assert "default-src 'self'" in answer.headers["content-security-policy"]
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert not re.search(r"<script(?![^>]*src=)|<style|\son\w+=|\sstyle=", answer.text)
    assert not re.search(r'(?:href|src)="(?:https?:)?//', answer.text)


def test_no_source_of_the_app_makes_html_of_text() -> None:
    sources = [path for path in FOLDER.rglob("*.js") if "vendor" not in path.parts]
    assert len(sources) > 40
    for path in sources:
        text = path.read_text("utf-8")
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|srcdoc", text), path
        assert text.count("\n") < 300, f"{path.name} is long: which second thing moved in?"
