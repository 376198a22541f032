"""`pluseboard demo`: fills a running development server with a believable workspace, through the public API.

The API stamps everything with the present. Where the server's own database can be reached (`pluseboard demo` runs beside
`pluseboard dev`, or with the same DB_* settings), the messages are then spread over the past two weeks; elsewhere they stay.
"""

import asyncio
import re
import secrets
import ssl
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import httpx

from pluseboard.database import Database
from pluseboard.devserver import LOCAL, say
from pluseboard.private_servers import PrivateMariaDB
from pluseboard.repositories import demo, messages
from pluseboard.repositories.demo import Moved
from pluseboard.settings import Settings, SettingsError, load_settings

PEOPLE = ("ann", "bob", "carla", "diego", "emi", "fatima", "george", "hana")
ADMIN, GUEST = "bob", "hana"
CHANNELS = {
    "general": "What everybody should know",
    "app": "Android and iOS",
    "firmware": "What runs in the kettle",
    "support": "What testers and customers tell us",
    "random": "Empanadas and tea",
    "launch": "Prices and dates, please keep them here",
    "old-website": "",
}
PRIVATE = {"launch": ("ann", "bob", "carla", "george", "hana")}
CLOSED = "old-website"
MAIL_SECONDS = 10


class DemoError(Exception):
    """Why it cannot go on, in words for a person."""


class Line(NamedTuple):
    """Something that somebody says."""

    days_ago: int
    time: str
    channel: str
    name: str
    text: str


class Said(NamedTuple):
    """A message as the server took it: with the key by which the right database is recognised."""

    line: Line
    channel_id: int
    seq: int
    message_id: int
    sender_id: int
    key: str


@dataclass
class Person:
    """One of the eight, signed in."""

    name: str
    http: httpx.Client
    id: int = 0
    username: str = ""

    @property
    def email(self) -> str:
        return f"{self.name}@example.com"

    def ask(self, method: str, path: str, **body: Any) -> dict[str, Any]:
        return answer(self.http.request(method, path, json=None if method == "GET" else body))


@dataclass
class Workspace:
    id: int
    people: dict[str, Person]
    channels: dict[str, int] = field(default_factory=dict)

    @property
    def owner(self) -> Person:
        return self.people[PEOPLE[0]]


def run_demo(url: str) -> int:
    """Returns the exit code."""
    try:
        with ExitStack() as clients:
            _run(url.rstrip("/"), clients)
    except DemoError as error:
        say(f"pluseboard: {error}")
        return 1
    except httpx.InvalidURL:
        say(f"pluseboard: {url} is no address")
        return 1
    except httpx.TransportError as error:
        say(f"pluseboard: {url} does not answer ({error}). Start the server first: bin/run")
        return 1
    return 0


def _run(url: str, clients: ExitStack) -> None:
    tls = ssl.create_default_context()  # one for all: it takes a tenth of a second
    people = {name: Person(name, clients.enter_context(_client(url, tls))) for name in PEOPLE}
    _sign_in(people)
    workspace = _workspace(people)
    lines = sorted(_lines(), key=lambda line: (-line.days_ago, line.time))
    past = [_speak(workspace, line) for line in lines if line.days_ago]
    spread = asyncio.run(_spread(workspace, past))
    today = [_speak(workspace, line) for line in lines if not line.days_ago]
    link = _finish(workspace, today[-1])
    say(
        f"""
  {len(people)} people, {len(CHANNELS)} channels and {len(lines)} messages {"of two weeks " if spread else ""}are in: {url}

  sign in as      {workspace.owner.email}, who owns the workspace, or {people[ADMIN].email}, {people[GUEST].email} (a guest) ...
  the code        is shown at {url}/dev/mailbox
  invite link     {link}
"""
    )
    if not spread:
        say("  All messages are of today: the database of that server cannot be reached from here, so their times stay.\n")


def _client(url: str, tls: ssl.SSLContext) -> httpx.Client:
    return httpx.Client(base_url=url, verify=tls, timeout=30, trust_env=False, headers={"User-Agent": "pluseboard demo"})


def answer(response: httpx.Response) -> dict[str, Any]:
    """The body. Raises DemoError with the server's own words."""
    if not response.is_success:
        raise DemoError(
            f"{response.request.method} {response.request.url.path} answered {response.status_code}: {_words(response)}"
        )
    body: dict[str, Any] = response.json()
    return body


def _words(response: httpx.Response) -> str:
    try:
        return str(response.json()["message"])
    except (ValueError, KeyError, TypeError):
        return response.text[:200]


# --- people -------------------------------------------------------------------------------------------------------


def _sign_in(people: dict[str, Person]) -> None:
    """Whoever has been there before is signed in again. (Registrations are rationed: once one is known, all probably are.)"""
    before, known = _mails(people[PEOPLE[0]].http), False
    for person in people.values():
        known = known or not _register(person, person.name)
        person.ask("POST", "/api/request-otp/", email=person.email)
    for person in people.values():
        code = _code(person, before)
        if code is None and _register(person, f"{person.name}.{secrets.token_hex(2)}"):
            person.ask("POST", "/api/request-otp/", email=person.email)
            code = _code(person, before)
        if code is None:
            raise DemoError(f"No sign-in code for {person.email} came to {person.http.base_url}/dev/mailbox")
        person.ask("POST", "/api/verify-otp/", email=person.email, otp=code)
        me = person.ask("GET", "/api/me/")["data"]
        person.id, person.username = me["id"], me["username"]


def _register(person: Person, username: str) -> bool:
    """False when the address or the username is known."""
    full_name, password = f"{person.name.capitalize()} Example", secrets.token_urlsafe(24)
    fields = {"username": username, "email": person.email, "full_name": full_name, "password": password}
    response = person.http.post("/api/register/", json=fields)
    if response.status_code != 409:
        answer(response)
    return response.status_code != 409


def _mails(http: httpx.Client) -> list[dict[str, str]]:
    response = http.get("/dev/mailbox?format=json")
    if response.status_code == 404:
        raise DemoError(
            "This server has no development mailbox to read sign-in codes from: it must run with DEBUG and no EMAIL_HOST"
        )
    mails: list[dict[str, str]] = answer(response)["data"]
    return mails


def _code(person: Person, before: list[dict[str, str]]) -> str | None:
    deadline = time.monotonic() + MAIL_SECONDS
    while time.monotonic() < deadline:
        mine = [mail for mail in _mails(person.http) if mail["recipient"] == person.email and mail not in before]
        if mine and (found := re.search(r"(?<!\d)\d{6}(?!\d)", mine[0]["text"])):
            return found.group()
        time.sleep(0.1)
    return None


# --- the workspace ------------------------------------------------------------------------------------------------


def _workspace(people: dict[str, Person]) -> Workspace:
    owner = people[PEOPLE[0]]
    made = owner.ask("POST", "/api/workspaces/", name="Kettle Works", description="A kettle that tells you when.")
    workspace = Workspace(made["workspace_id"], people)
    for name, topic in CHANNELS.items():
        fields = {"workspace_id": workspace.id, "name": name, "topic": topic, "is_private": name in PRIVATE}
        workspace.channels[name] = owner.ask("POST", "/api/channels/", **fields)["channel_id"]
    for person in people.values():
        if person is not owner:
            role = {ADMIN: "admin", GUEST: "guest"}.get(person.name, "member")
            owner.ask("POST", f"/api/workspaces/{workspace.id}/members/", email=person.email, role=role)
            _join(workspace, person)
    return workspace


def _join(workspace: Workspace, person: Person) -> None:
    """All public channels; the private ones and those of a guest are opened by the owner."""
    for name, channel in workspace.channels.items():
        if name in PRIVATE or (person.name == GUEST and name == "general"):
            if person.name in PRIVATE.get(name, (GUEST,)):
                workspace.owner.ask("POST", f"/api/channels/{channel}/members/", user_id=person.id)
        elif person.name != GUEST:
            person.ask("POST", f"/api/channels/{channel}/join/")


def _lines() -> Iterator[Line]:
    days_ago, channel = 0, ""
    for row in Path(__file__).with_suffix(".txt").read_text("utf-8").splitlines():
        if found := re.fullmatch(r"= (\d+)", row):
            days_ago = int(found.group(1))
        elif found := re.fullmatch(r"# ([a-z-]+)", row):
            channel = found.group(1)
        elif found := re.fullmatch(r"(\d\d:\d\d) (\w+): (.+)", row):
            yield Line(days_ago, found.group(1), channel, found.group(2), found.group(3).replace(r"\n", "\n"))


def _speak(workspace: Workspace, line: Line) -> Said:
    person, channel, key = workspace.people[line.name], workspace.channels[line.channel], secrets.token_hex(12)
    text = re.sub(r"@(\w+)", lambda it: f"@{workspace.people[it[1]].username if it[1] in workspace.people else it[1]}", line.text)
    sent = person.ask("POST", "/api/messages/", channel_id=channel, body=text, client_msg_id=key)
    return Said(line, channel, sent["seq"], sent["message_id"], person.id, key)


def _finish(workspace: Workspace, last: Said) -> str:
    """What makes it look used: an edit, a deletion, an archived channel, read marks, an open invitation; the invite link."""
    owner = workspace.owner
    speaker = workspace.people[last.line.name]
    speaker.ask("PATCH", f"/api/messages/{last.message_id}/", body=f"{last.line.text} (And counting.)")
    typo = _speak(workspace, Line(0, "", "random", "emi", "Teh kettle"))
    workspace.people["emi"].ask("DELETE", f"/api/messages/{typo.message_id}/")
    owner.ask("POST", f"/api/channels/{workspace.channels[CLOSED]}/archive/")
    for person in workspace.people.values():
        if person is not owner:  # who is left something to read
            unread = person.ask("GET", "/api/unread/")["data"]["channels"]
            for channel in unread:
                person.ask("POST", f"/api/channels/{channel['channel_id']}/read/")
    owner.ask("POST", f"/api/workspaces/{workspace.id}/members/", email="newcomer@example.com", role="member")
    link: str = owner.ask("POST", f"/api/workspaces/{workspace.id}/invite-links/", role="member", max_uses=25)["url"]
    return link


# --- two weeks ----------------------------------------------------------------------------------------------------


async def _spread(workspace: Workspace, past: list[Said]) -> bool:
    """Gives the messages their times, in the database that has them. (Whoever cached them notices when today's messages come.)"""
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    begun = midnight - timedelta(days=max(said.line.days_ago for said in past)) + timedelta(hours=8)
    moved = [Moved(_time(midnight, said.line), said.channel_id, said.seq) for said in past]
    for settings in _settings():
        database = Database(settings)
        try:
            if await _has(database, past[-1]):
                await database.transaction(lambda tx: demo.spread(tx, workspace.id, f"{begun:%Y-%m-%d %H:%M:%S}", moved))
                return True
        finally:
            await database.close()
    return False


def _time(midnight: datetime, line: Line) -> str:
    return f"{midnight - timedelta(days=line.days_ago):%Y-%m-%d} {line.time}:00"


def _settings() -> Iterator[Settings]:
    """The databases that may be the server's: the configured one, and the one that `pluseboard dev` runs here."""
    with suppress(SettingsError):
        yield load_settings()
    beside = PrivateMariaDB(LOCAL / "mariadb")
    try:
        port, password = [(beside.folder / name).read_text() for name in ("port", "password")]
    except OSError:
        return
    unused = secrets.token_urlsafe(36)  # a database needs no keys
    place = {"DB_HOST": beside.host, "DB_PORT": port, "DB_NAME": beside.database, "DB_USER": beside.user, "DB_PASSWORD": password}
    yield load_settings({**place, "DEBUG": "True", "JWT_SECRET_KEY": unused, "SECRET_KEY": unused})


async def _has(database: Database, said: Said) -> bool:
    """Whether it is the database that took the message: nobody else knows its key. False also when it cannot be used."""
    key = (said.channel_id, said.sender_id, said.key)
    with suppress(Exception):
        await database.connect()
        async with database.connection() as connection:
            answer = messages.sent_before(connection, [key])
            await connection.flush()
            return key in answer.value and answer.value[key].id == said.message_id
    return False
