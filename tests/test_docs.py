"""The documentation is true: its lists are complete, its examples are what the code takes and sends, its links lead somewhere."""

import ast
import json
import re
import shutil
import subprocess
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from pluseboard import __version__, errors
from pluseboard.openapi import written
from pluseboard.routes import ENDPOINTS, SOCKETS
from pluseboard.socket_catalog import SOCKETS as CATALOG
from tests.servers import Database, ServerProcess

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "pluseboard"
LEFT_OUT = {".venv", ".local", ".git", "node_modules"}
PAGES = sorted(page for page in ROOT.rglob("*.md") if not LEFT_OUT.intersection(page.relative_to(ROOT).parts))
README, API, REALTIME = (ROOT / name for name in ("README.md", "docs/api.md", "docs/realtime.md"))
CLIENT = {frame for socket in CATALOG for frame in socket.client}
SERVER = {frame for socket in CATALOG for frame in socket.server}


def tag_of(frame: type) -> str:
    return str(frame.__struct_config__.tag)  # type: ignore[attr-defined]


def rows(page: Path) -> Iterator[list[str]]:
    """The cells of every line of a table, code marks removed."""
    for line in page.read_text("utf-8").splitlines():
        if line.startswith("| "):
            yield [cell.strip().replace("`", "") for cell in line.strip("|").split("|")]


def blocks(page: Path, language: str) -> list[str]:
    """The code blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text("utf-8"), flags=re.M | re.S)


# --- lists that are complete --------------------------------------------------------------------------------------


def test_the_readme_lists_every_call_and_no_other() -> None:
    listed = [(row[0], row[1]) for row in rows(README) if row[0] in ("GET", "POST", "PATCH", "DELETE", "PUT")]
    assert sorted(listed) == sorted((endpoint.method, written(endpoint.path)) for endpoint in ENDPOINTS)


def test_the_readme_lists_every_socket_with_its_frames() -> None:
    listed = {row[0]: row[1:] for row in rows(README) if row[0].startswith("/ws")}
    assert sorted(listed) == sorted(written(route.path) for route in SOCKETS)
    replies = {"ack", "error"}
    for socket in CATALOG:
        client, server = listed[written(socket.path)]
        if client == "all of these":
            continue
        assert set(re.sub(r" \(.*?\)", "", client).split(", ")) == {tag_of(frame) for frame in socket.client}
        assert set(server.split(", ")) == {tag_of(frame) for frame in socket.server} - replies


@pytest.mark.parametrize("frame", sorted(CLIENT | SERVER, key=str), ids=lambda frame: f"{frame.__module__}.{frame.__name__}")
def test_every_frame_has_an_example(frame: type) -> None:
    expected = CLIENT if frame in CLIENT else SERVER
    assert frame in {kind for kind, _ in frame_examples() if kind in expected}


def test_every_frame_has_a_heading() -> None:
    headings = set(re.findall(r"^#### `(\w+)`", REALTIME.read_text("utf-8"), flags=re.M))
    assert headings == {tag_of(frame) for frame in CLIENT | SERVER}


def test_every_error_has_a_line_with_its_status() -> None:
    listed = {(row[1], row[0]) for row in rows(API) if row[0].isdecimal()}
    kinds = [errors.ApiError, *errors.ApiError.__subclasses__()]
    assert len(kinds) > 10
    assert listed >= {(kind.code, str(kind.status)) for kind in kinds}
    assert len(listed) == len({kind.code for kind in kinds}), "an error that there is not"


def test_every_close_code_has_a_line() -> None:
    listed = {row[0] for row in rows(REALTIME) if re.match(r"\d{4}\b", row[0])}
    source = "".join(path.read_text("utf-8") for path in [SOURCE / "sockets" / "connection.py", SOURCE / "app.py"])
    used = set(re.findall(r"\b(1008|1009|1011|1012|1013|4\d{3})\b", source))
    assert {"1008", "4401"} <= used
    assert used <= {code for codes in listed for code in codes.split(", ")}


def test_every_activity_type_and_notification_kind_has_a_line() -> None:
    listed = {row[0] for row in rows(API)}
    written_types = set(named_arguments("record", 3)) | {"message_sent", "channel_archived", "channel_unarchived"}
    kinds = set(named_arguments("notify", 2))
    assert len(written_types) > 10
    assert len(kinds) >= 3
    assert written_types | kinds <= listed


def named_arguments(function: str, position: int) -> Iterator[str]:
    """The constants that are given to a function of actions/ at a position."""
    for module in (SOURCE / "actions").glob("*.py"):
        for node in ast.walk(ast.parse(module.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == function:
                argument = node.args[position]
                if isinstance(argument, ast.Constant):
                    yield argument.value


def test_the_changelog_has_the_current_version() -> None:
    text = (ROOT / "CHANGELOG.md").read_text("utf-8")
    assert re.search(rf"^## {re.escape(__version__)} - \d{{4}}-\d\d-\d\d$", text, flags=re.M)


def test_the_tests_that_reliability_md_names_exist() -> None:
    names = {
        f"{path.relative_to(ROOT / 'tests')}::{name}"
        for path in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"^(?:async )?def (test_\w+)", path.read_text("utf-8"), flags=re.M)
    }
    named = re.findall(r"`([\w/]+\.py::test_\w+)`", (ROOT / "docs" / "reliability.md").read_text("utf-8"))
    assert len(named) > 10
    assert [name for name in named if name not in names] == []


def test_each_of_the_36_requirements_has_a_test_that_is_named_after_it() -> None:
    shown = {int(row[0]): row[-1] for row in rows(ROOT / "docs" / "reliability.md") if row[0].isdecimal()}
    assert sorted(shown) == list(range(1, 37))
    assert [number for number, tests in shown.items() if f"_r{number:02}_" not in tests] == []


# --- examples that are true ---------------------------------------------------------------------------------------


def frame_examples() -> list[tuple[type, dict[str, Any]]]:
    """The JSON blocks of realtime.md that are frames, each as the struct that it is."""
    found = []
    for block in blocks(REALTIME, "json"):
        frame = json.loads(block)
        kinds = [kind for kind in CLIENT | SERVER if tag_of(kind) == frame["type"] and fits(kind, frame)]
        assert len(kinds) == 1, f"not a frame of ours, or of two: {block}"
        found.append((kinds[0], frame))
    return found


def fits(kind: type, frame: dict[str, Any]) -> bool:
    """Every field of the example is one of the struct's, and with the values that it takes."""
    fields = {field.encode_name for field in msgspec.structs.fields(kind)}
    if not frame.keys() - {"type"} <= fields:
        return False
    try:
        decoded = msgspec.json.decode(json.dumps(frame), type=kind)
    except msgspec.ValidationError:
        return False
    # A server's example shows the whole frame, as it would be sent.
    return kind in CLIENT or bool(json.loads(msgspec.json.encode(decoded)) == frame)


def test_there_are_examples_of_frames() -> None:
    assert len(frame_examples()) >= len(CLIENT | SERVER)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_json_block_is_json(page: Path) -> None:
    for block in blocks(page, "json"):
        json.loads(block)


@pytest.mark.skipif(not shutil.which("curl"), reason="the tour is made of curl, which is not installed")
async def test_the_tour_of_the_readme_works_as_written(
    start_server: Callable[..., Awaitable[ServerProcess]], database: Database, tmp_path: Path
) -> None:
    server = await start_server(own_database=True, EMAIL_HOST="")
    script = blocks(README, "sh")[1].replace("http://localhost:8000", server.url)
    assert "curl" in script
    done = subprocess.run(["sh", "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=60)  # noqa: ASYNC221
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [answer["status"] for answer in answers] == ["success"] * 5, done
    [shown] = answers[-1]["data"]
    [promised] = json.loads(blocks(README, "json")[0])["data"]
    assert shown.keys() == promised.keys()
    assert (shown["body"], shown["sender_name"]) == (promised["body"], promised["sender_name"])


# --- links --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    text = re.sub(r"^```.*?^```$", "", page.read_text("utf-8"), flags=re.M | re.S)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.exists(), f"{page.name} links to {target}"
        if anchor:
            assert anchor in anchors(file), f"{page.name} links to {target}"


def anchors(page: Path) -> set[str]:
    """As GitHub makes them of headings."""
    text = re.sub(r"^```.*?^```$", "", page.read_text("utf-8"), flags=re.M | re.S)
    headings = re.findall(r"^#+ (.+)$", text, flags=re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
