"""R13: what is not yours to know answers as if it were not there, whichever way its id is given.

The matrix is made from the table of routes and the frames that clients send: a new one without an entry here fails.
"""

import itertools
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any, get_type_hints

import httpx
import pytest

from pluseboard.http import Endpoint
from pluseboard.routes import ENDPOINTS
from pluseboard.sockets.frames import ClientFrame
from tests.api import Caller
from tests.conftest import Cluster, Person, Socket
from tests.security.strangers import HIDDEN_FROM, MISSING, MISSING_TOKEN, SECRETS, People, World
from tests.servers import Database, MailServer

CURSOR = "cursor"  # a number to go on from, or to look for, which need not be an id: it tells nothing
OWN = "own"  # the client's own word


@dataclass(frozen=True)
class Entry:
    """What each id of a route means, first the place in which the others are looked for; and what else the request needs."""

    ids: dict[str, str]
    body: dict[str, Any] = field(default_factory=dict)


CHANNEL, WORKSPACE, MESSAGE = {"channel_id": "channel"}, {"workspace_id": "workspace"}, {"message_id": "message"}
MEMBER = {"user_id": "user"}
ROUTES = {
    "POST /api/messages": Entry({**CHANNEL, "client_msg_id": OWN}, {"body": "Hello"}),
    "GET /api/messages": Entry({**CHANNEL, "before_id": "message", "after_id": "message"}),
    "GET /api/messages/{message_id}": Entry(MESSAGE),
    "PATCH /api/messages/{message_id}": Entry(MESSAGE, {"body": "Hello"}),
    "DELETE /api/messages/{message_id}": Entry(MESSAGE),
    "GET /api/channels": Entry(WORKSPACE),
    "POST /api/channels": Entry(WORKSPACE, {"name": "random"}),
    "GET /api/channels/{channel_id}": Entry(CHANNEL),
    "PATCH /api/channels/{channel_id}": Entry(CHANNEL, {"topic": "News"}),
    "POST /api/channels/{channel_id}/read": Entry(CHANNEL),
    "POST /api/channels/{channel_id}/archive": Entry(CHANNEL),
    "POST /api/channels/{channel_id}/unarchive": Entry(CHANNEL),
    "POST /api/channels/{channel_id}/join": Entry(CHANNEL),
    "POST /api/channels/{channel_id}/leave": Entry(CHANNEL),
    "GET /api/channels/{channel_id}/members": Entry({**CHANNEL, "after_id": CURSOR}),
    "POST /api/channels/{channel_id}/members": Entry({**CHANNEL, **MEMBER}),
    "DELETE /api/channels/{channel_id}/members/{user_id}": Entry({**CHANNEL, **MEMBER}),
    "GET /api/workspaces/{workspace_id}": Entry(WORKSPACE),
    "PATCH /api/workspaces/{workspace_id}": Entry(WORKSPACE, {"description": "Ours"}),
    "DELETE /api/workspaces/{workspace_id}": Entry(WORKSPACE),
    "GET /api/workspaces/{workspace_id}/members": Entry({**WORKSPACE, "after_id": CURSOR}),
    "POST /api/workspaces/{workspace_id}/members": Entry(WORKSPACE, {"email": "new@example.com"}),
    "PATCH /api/workspaces/{workspace_id}/members/{user_id}": Entry({**WORKSPACE, **MEMBER}, {"role": "admin"}),
    "DELETE /api/workspaces/{workspace_id}/members/{user_id}": Entry({**WORKSPACE, **MEMBER}),
    "POST /api/workspaces/{workspace_id}/leave": Entry(WORKSPACE),
    "POST /api/workspaces/{workspace_id}/transfer": Entry({**WORKSPACE, **MEMBER}),
    "GET /api/workspaces/{workspace_id}/presence": Entry(WORKSPACE),
    "GET /api/workspaces/{workspace_id}/invitations": Entry(WORKSPACE),
    "DELETE /api/workspaces/{workspace_id}/invitations/{invitation_id}": Entry({**WORKSPACE, "invitation_id": "invitation"}),
    "GET /api/workspaces/{workspace_id}/invite-links": Entry(WORKSPACE),
    "POST /api/workspaces/{workspace_id}/invite-links": Entry(WORKSPACE),
    "DELETE /api/workspaces/{workspace_id}/invite-links/{link_id}": Entry({**WORKSPACE, "link_id": "link"}),
    "GET /api/workspaces/{workspace_id}/audit": Entry({**WORKSPACE, "before_id": "record", "actor_id": CURSOR}),
    "GET /api/audit": Entry({"before_id": "own record"}),
    "GET /api/invite-links/{token}": Entry({"token": "token"}),
    "POST /api/invite-links/{token}/accept": Entry({"token": "token"}),
    "POST /api/activities": Entry({**WORKSPACE, "before_id": "activity"}),
    "POST /api/metrics/messages-per-day": Entry(WORKSPACE),
    "POST /api/metrics/active-users": Entry(WORKSPACE),
    "GET /api/notifications": Entry({"before_id": "notification"}),
    "POST /api/notifications/{notification_id}/read": Entry({"notification_id": "notification"}),
    "DELETE /api/sessions/{session_id}": Entry({"session_id": "session"}),
}
FRAMES = {
    "join_channel": Entry(CHANNEL),
    "leave_channel": Entry(CHANNEL),
    "send_message": Entry({**CHANNEL, "client_msg_id": OWN}, {"body": "Hello"}),
    "typing": Entry(CHANNEL),
    "subscribe": Entry(WORKSPACE),
    "unsubscribe": Entry(WORKSPACE),
}
SAYS_NOTHING = {"leave_channel", "unsubscribe"}  # it concerns the socket alone: the same answer to everybody

# The kinds of one place that are hidden from somebody to whom the place itself is open: (who, in whose workspace, what).
INSIDE = {
    "user": [("neighbour", "own", "user")],
    "invitation": [("neighbour", "own", "invitation")],
    "link": [("neighbour", "own", "link")],
    "record": [("neighbour", "own", "record")],
    "message": [("neighbour", "own", "public message"), ("member", "the", "private message")],
    "activity": [
        *(("neighbour", "own", "public activity"), ("member", "the", "private activity")),
        *(("guest", "the", "public activity"), ("guest", "the", "private activity")),
    ],
}
ENDPOINT = {f"{endpoint.method} {endpoint.path}": endpoint for endpoint in ENDPOINTS}


# --- every id has an entry ----------------------------------------------------------------------------------------


def is_id(name: str) -> bool:
    return name in ("id", "token") or name.endswith(("_id", "_ids", "_token"))


def ids_of(endpoint: Endpoint) -> set[str]:
    """Everything in the path, and what the query and the body name an id."""
    found = {part[1:-1] for part in endpoint.path.split("/") if part.startswith("{")}
    for place in ("query", "body"):
        if place in endpoint.signature:
            found |= {name for name in get_type_hints(endpoint.signature[place]) if is_id(name)}
    return found


def tag_of(frame: type[ClientFrame]) -> str:
    return str(frame.__struct_config__.tag)  # type: ignore[attr-defined]


def test_every_id_of_the_route_table_has_an_entry() -> None:
    with_ids = {name: ids_of(endpoint) for name, endpoint in ENDPOINT.items() if ids_of(endpoint)}
    assert len(with_ids) > 35
    assert {name: set(entry.ids) for name, entry in ROUTES.items()} == with_ids


def test_every_id_of_the_clients_frames_has_an_entry() -> None:
    frames = {tag_of(frame): {name for name in get_type_hints(frame) if is_id(name)} for frame in ClientFrame.__subclasses__()}
    assert "heartbeat" in frames
    assert {name: set(entry.ids) for name, entry in FRAMES.items()} == {name: ids for name, ids in frames.items() if ids}


# --- the people ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
async def people(cluster: Cluster, mail: MailServer) -> AsyncIterator[People]:
    """Seven for the whole matrix; the world between them is made anew."""
    async with AsyncExitStack() as cleanup:
        made = {}
        for name in ("owner", "member", "guest", "former", "neighbour", "stranger"):
            person = Person(f"{name}.idor", f"{name}.idor@example.com", f"{name.capitalize()} Example", cluster.a, cleanup)
            for answer in (await person.register(), await person.sign_in(mail)):
                assert answer.is_success, answer.text
            made[name] = await Caller(person, cluster).introduce()
        yield People(**made, nobody=Caller(Person("nobody", "nobody@example.com", "Nobody", cluster.a, cleanup), cluster))


@pytest.fixture
async def world(people: People, database: Database) -> World:
    """The owner's."""
    return await World(people.owner, people, database).build()


@pytest.fixture(scope="module")
async def next_door(people: People) -> dict[str, Any]:
    """The neighbour's workspace, in which all that is asked is refused."""
    workspace = await people.neighbour.workspace("Next Door")
    return {"workspace": workspace, "channel": await people.neighbour.channel(workspace)}


# --- routes -------------------------------------------------------------------------------------------------------

Ids = dict[str, Any]


def place_of(entry: Entry) -> tuple[str, str]:
    """The first id of an entry, and its kind."""
    return next(iter(entry.ids.items()))


def variants(kind: str) -> list[str]:
    return [f"public {kind}", f"private {kind}"] if kind in ("channel", "message", "activity") else [kind]


async def right_ids(entry: Entry, world: World, place: Ids) -> Ids:
    """Beside the place, what a request must have; what it may have is left out."""
    needed = {
        name: kind for name, kind in entry.ids.items() if name not in ("before_id", "after_id", "actor_id", "client_msg_id")
    }
    return {**{name: await world.of(kind) for name, kind in needed.items() if name not in place}, **place}


async def probes(entry: Entry, world: World, next_door: Ids, people: People) -> AsyncIterator[tuple[str, Ids, Ids]]:
    """Who asks, with which ids, and the same with one that nothing has."""
    place, kind = place_of(entry)
    nothing = MISSING_TOKEN if kind == "token" else MISSING
    for hidden in ["ended token"] if kind == "token" else variants(kind):
        ids = await right_ids(entry, world, {place: await world.of(hidden)})
        for who in HIDDEN_FROM[hidden]:
            yield who, ids, {**ids, place: nothing}
    for name, inner in list(entry.ids.items())[1:]:
        for who, whose, hidden in INSIDE.get(inner, []):
            open_place = next_door[kind] if whose == "own" else await world.of(kind)
            ids = await right_ids(entry, world, {place: open_place, name: await world.of(hidden)})
            yield who, ids, {**ids, name: MISSING}


async def ask(caller: Caller, route: str, ids: Ids) -> httpx.Response:
    endpoint, entry = ENDPOINT[route], ROUTES[route]
    rest = {name: value for name, value in ids.items() if f"{{{name}}}" not in endpoint.path}
    path = endpoint.path.format(**ids)
    if "body" in endpoint.signature:
        return await caller.call(endpoint.method, path, {**entry.body, **rest})
    return await caller.call(endpoint.method, path, **rest)


@pytest.mark.parametrize("route", ROUTES)
async def test_r13_what_is_not_yours_to_know_answers_like_what_is_not_there(
    route: str, people: People, world: World, next_door: Ids
) -> None:
    entry = ROUTES[route]
    asked = 0
    async for who, real, missing in probes(entry, world, next_door, people):
        hidden, nothing = [await ask(getattr(people, who), route, ids) for ids in (real, missing)]
        expected = 401 if who == "nobody" else 404
        assert nothing.status_code == expected, f"{who}: {missing} {nothing.text}"
        assert (hidden.status_code, hidden.content) == (nothing.status_code, nothing.content), f"{who}: {real} {hidden.text}"
        asked += 1
    assert asked >= 4
    await assert_that_it_could_fail(route, entry, people.owner, world)


async def assert_that_it_could_fail(route: str, entry: Entry, owner: Caller, world: World) -> None:
    """To whom it is open, each id that is there answers otherwise than one that is not."""
    needed = await right_ids(entry, world, {})
    optional = {name: kind for name, kind in entry.ids.items() if name not in needed and kind not in (CURSOR, OWN)}
    for name, kind in entry.ids.items():
        if kind not in (CURSOR, OWN):
            missing = await ask(owner, route, {**needed, name: MISSING_TOKEN if kind == "token" else MISSING})
            assert missing.status_code == 404, (name, missing.text)
    for name, kind in optional.items():
        assert (await ask(owner, route, {**needed, name: await world.of(kind)})).is_success
    if needed:
        answer = await ask(owner, route, needed)
        assert answer.is_success or answer.status_code == 409, answer.text  # a conflict: the owner cannot leave, for one


# --- lists --------------------------------------------------------------------------------------------------------


async def test_r13_nothing_of_it_shows_in_what_is_listed(people: People, world: World) -> None:
    workspace = await world.of("workspace")
    lists = [route for route, endpoint in ENDPOINT.items() if "user" in endpoint.signature and route not in ROUTES]
    lists = [route for route in lists if route.startswith("GET ")]
    assert {"GET /api/workspaces", "GET /api/unread"} <= set(lists)
    for who, hidden in (("stranger", SECRETS), ("neighbour", SECRETS), ("member", SECRETS[2:]), ("guest", SECRETS[1:])):
        texts = [(await getattr(people, who).call("GET", route.removeprefix("GET "))).text for route in lists]
        if who in ("member", "guest"):
            of = {"workspace_id": workspace}
            texts.append((await getattr(people, who).call("GET", "/api/channels/", **of)).text)
            texts.append((await getattr(people, who).call("POST", "/api/activities/", of)).text)
        for text in texts:
            assert '"success"' in text
            assert not [secret for secret in hidden if secret in text], f"{who}: {text}"
    counts = {}
    for who in ("owner", "member", "guest"):
        answer = await getattr(people, who).post("/api/metrics/messages-per-day", {"workspace_id": workspace})
        counts[who] = sum(day["count"] for day in answer["data"])
    assert counts == {"owner": 2, "member": 1, "guest": 0}


# --- frames -------------------------------------------------------------------------------------------------------


async def told(socket: Socket, frame: Ids, ids: Ids) -> Ids:
    """The answer to a frame; the ids that were sent and come back are no news."""
    ref = next(refs)
    await socket.send({**frame, **ids, "ref": ref})
    while (answer := await socket.receive()).get("ref") != ref:
        assert answer["type"] == "presence_update", answer
    return {name: value for name, value in answer.items() if name != "ref" and (name, value) not in ids.items()}


refs: Iterator[int] = itertools.count(1)


@pytest.mark.parametrize("tag", FRAMES)
async def test_r13_a_frame_about_what_is_not_yours_to_know_answers_like_one_about_nothing(
    tag: str, people: People, world: World
) -> None:
    place, kind = place_of(FRAMES[tag])
    frame = {"type": tag, **FRAMES[tag].body}
    for hidden in variants(kind):
        for who in HIDDEN_FROM[hidden]:
            if who == "nobody":
                continue  # has no socket
            caller = getattr(people, who)
            async with caller.person.socket("/ws/", caller.next_server) as socket:
                nothing = await told(socket, frame, {place: MISSING})
                assert await told(socket, frame, {place: await world.of(hidden)}) == nothing, f"{who}: {hidden}"
                assert nothing["type"] == ("ack" if tag in SAYS_NOTHING else "error")
    async with people.owner.person.socket("/ws/") as socket:
        ids = {place: await world.of(variants(kind)[1] if kind == "channel" else kind)}
        if tag == "typing":
            await told(socket, {"type": "join_channel"}, ids)
        there = await told(socket, frame, ids)
        assert there["type"] == "ack"
        assert tag in SAYS_NOTHING or there != await told(socket, frame, {place: MISSING})


async def test_r13_a_refused_subscription_brings_nothing_afterwards(people: People, world: World) -> None:
    workspace, channel = await world.of("workspace"), await world.of("private channel")
    async with AsyncExitStack() as stack:
        server = people.owner.next_server
        joined = await stack.enter_async_context(people.owner.person.socket("/ws/", server))
        await told(joined, {"type": "join_channel"}, {"channel_id": channel})
        refused = []
        for who in ("stranger", "neighbour", "former", "guest", "member"):
            socket = await stack.enter_async_context(getattr(people, who).person.socket("/ws/", server))
            answer = await told(socket, {"type": "join_channel"}, {"channel_id": channel})
            assert answer["code"] == "not_found"
            answer = await told(socket, {"type": "subscribe"}, {"workspace_id": workspace})
            assert (answer["type"] == "ack") == (who in ("guest", "member"))
            refused.append(socket)
        await people.owner.say(channel, "Nobody hears this")
        await joined.expect("new_message")
        for socket in refused:  # `told` fails on whatever has come before its answer
            await told(socket, {"type": "leave_channel"}, {"channel_id": channel})
