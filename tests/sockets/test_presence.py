"""/ws/presence/: who is online, idle or offline, over all of their devices, told to those who share a workspace with them."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from tests.conftest import Cluster, Person, Socket
from tests.servers import Database, ServerProcess
from tests.sockets.scenes import Json, MakePerson, add_member, ask, call, make_team, make_workspace, nothing_waits, own_id

PRESENCE = "/ws/presence/"
WRITTEN_SECONDS = 2.5  # a change is written and told within a second or so


async def status_of(watcher: Socket, who: Person, seconds: float = 5) -> str:
    """The next status of somebody; others' are skipped."""
    async with asyncio.timeout(seconds):
        while (frame := await watcher.receive(seconds))["user_email"] != who.email:
            pass
    return str(frame["status"])


async def next_status(watcher: Socket, who: Person, before: str) -> str:
    """The next status of somebody that is another than before. (Two processes may tell of one change.)"""
    while (status := await status_of(watcher, who)) == before:
        pass
    return status


async def heard(watcher: Socket, seconds: float = WRITTEN_SECONDS) -> list[tuple[str, str]]:
    """Every (email, status) that arrives within that time."""
    frames: list[Json] = []
    try:
        async with asyncio.timeout(seconds):
            while True:
                frames.append(await watcher.receive(seconds + 1))
    except TimeoutError:
        return [(frame["user_email"], frame["status"]) for frame in frames]


async def listed(someone: Person, workspace_id: int) -> dict[str, str]:
    answer = await call(someone.http, "GET", f"/api/workspaces/{workspace_id}/presence/")
    return {row["user_email"]: row["status"] for row in answer["data"]}


@asynccontextmanager
async def seconds_later(seconds: int, who: Person, database: Database) -> AsyncIterator[None]:
    """As if somebody's last sign of life were that old, however often their process writes it anew meanwhile."""
    older = "UPDATE presence SET seen_at = LEAST(seen_at, UTC_TIMESTAMP() - INTERVAL %s SECOND) WHERE user_id = %s"
    user_id = await own_id(who)

    async def age() -> None:
        while True:
            await database.query(older, [seconds, user_id])
            await asyncio.sleep(0.2)

    ageing = asyncio.create_task(age())
    try:
        yield
    finally:
        ageing.cancel()
        await asyncio.wait([ageing])


async def test_coming_and_idling_is_told_on_another_process_with_the_documented_fields(
    cluster: Cluster, person: MakePerson
) -> None:
    alice, bob = await person("alice"), await person("bob")
    workspace_id = await make_workspace(alice, bob)
    async with alice.socket(PRESENCE, cluster.a) as hers:
        assert await status_of(hers, alice) == "online"
        assert bob.email not in await listed(alice, workspace_id)
        async with bob.socket(PRESENCE, cluster.b) as his:
            frame = await hers.receive()
            expected = {"type": "presence_update", "user_id": await own_id(bob), "user_email": bob.email, "status": "online"}
            assert frame == expected
            assert (await listed(alice, workspace_id))[bob.email] == "online"
            await his.send({"type": "heartbeat", "status": "idle"})
            assert await status_of(hers, bob) == "idle"
            assert (await listed(alice, workspace_id))[bob.email] == "idle"
            await his.send({"type": "heartbeat", "status": "online"})
            assert await status_of(hers, bob) == "online"


async def test_somebody_is_idle_when_all_of_their_devices_are(cluster: Cluster, person: MakePerson) -> None:
    alice, bob = await person("alice"), await person("bob")
    await make_workspace(alice, bob)
    async with (
        alice.socket(PRESENCE, cluster.a) as hers,
        bob.socket(PRESENCE, cluster.a) as laptop,
        bob.socket(PRESENCE, cluster.a) as tablet,
        bob.socket("/ws/", cluster.b) as phone,
    ):
        assert await status_of(hers, bob) == "online"
        await ask(laptop, "heartbeat", status="idle")
        await ask(phone, "heartbeat", status="idle")
        assert (bob.email, "idle") not in await heard(hers), "the tablet is still in use"
        await ask(tablet, "heartbeat", status="idle")
        assert await next_status(hers, bob, "online") == "idle"
        await ask(laptop, "heartbeat", status="online")
        assert await next_status(hers, bob, "idle") == "online"


async def test_somebody_is_offline_thirty_seconds_after_their_last_socket_went_and_not_before(
    cluster: Cluster, person: MakePerson
) -> None:
    alice, bob = await person("alice"), await person("bob")
    workspace_id, database = await make_workspace(alice, bob), cluster.a.database
    async with alice.socket(PRESENCE, cluster.a) as hers:
        async with bob.socket(PRESENCE, cluster.b), bob.socket(PRESENCE, cluster.a):
            assert await status_of(hers, bob) == "online"
        async with seconds_later(25, bob, database):
            assert (bob.email, "offline") not in await heard(hers)
            assert (await listed(alice, workspace_id))[bob.email] == "online"
        async with seconds_later(31, bob, database):
            assert await next_status(hers, bob, "online") == "offline"
        assert bob.email not in await listed(alice, workspace_id)
        assert alice.email in await listed(alice, workspace_id), "whose socket is open"


async def test_a_reload_of_the_page_is_told_to_nobody(cluster: Cluster, person: MakePerson) -> None:
    alice, bob = await person("alice"), await person("bob")
    await make_workspace(alice, bob)
    async with alice.socket(PRESENCE, cluster.a) as hers:
        async with bob.socket(PRESENCE, cluster.b):
            assert await status_of(hers, bob) == "online"
        async with bob.socket(PRESENCE, cluster.a):
            assert (bob.email, "online") not in (told := await heard(hers)), told
            assert bob.email not in dict(told)


async def test_a_device_that_says_offline_does_not_count(cluster: Cluster, person: MakePerson) -> None:
    alice, bob = await person("alice"), await person("bob")
    await make_workspace(alice, bob)
    async with alice.socket(PRESENCE, cluster.a) as hers, bob.socket(PRESENCE, cluster.b) as his:
        assert await status_of(hers, bob) == "online"
        await ask(his, "heartbeat", status="offline")
        async with seconds_later(31, bob, cluster.a.database):
            assert await next_status(hers, bob, "online") == "offline"
        await ask(his, "heartbeat", status="online")
        assert await status_of(hers, bob) == "online"


async def test_sockets_that_send_no_heartbeat_show_their_user_online_and_leave_idling_to_those_that_do(
    cluster: Cluster, person: MakePerson
) -> None:
    alice, bob = await person("alice"), await person("bob")
    await make_workspace(alice, bob)
    async with alice.socket(PRESENCE, cluster.a) as hers, bob.socket("/ws/chat/", cluster.b):
        assert await status_of(hers, bob) == "online"
        async with bob.socket(PRESENCE, cluster.a) as his, bob.socket("/ws/notifications/", cluster.a):
            await ask(his, "heartbeat", status="idle")
            assert await next_status(hers, bob, "online") == "idle"
        # Thirty seconds later, his chat on b is all that is left of him.
        older = "UPDATE presence SET seen_at = seen_at - INTERVAL 31 SECOND WHERE user_id = %s AND status = 'idle'"
        async with asyncio.timeout(10):
            while (bob.email, "online") not in await heard(hers, 0.5):
                await cluster.a.database.query(older, [await own_id(bob)])


async def test_a_process_that_is_killed_leaves_nobody_online(
    cluster: Cluster, person: MakePerson, start_server: Callable[..., Awaitable[ServerProcess]]
) -> None:
    alice, bob = await person("alice"), await person("bob")
    workspace_id = await make_workspace(alice, bob)
    doomed = await start_server()
    async with alice.socket(PRESENCE, cluster.a) as hers, bob.socket(PRESENCE, doomed) as his:
        assert await status_of(hers, bob) == "online"
        doomed.kill()
        assert await his.closed() == 1006
        async with seconds_later(31, bob, cluster.a.database):
            assert await next_status(hers, bob, "online") == "offline"
        assert bob.email not in await listed(alice, workspace_id)


async def test_presence_is_shown_to_people_who_share_a_workspace_and_to_nobody_else(cluster: Cluster, person: MakePerson) -> None:
    alice, bob, carol = await person("alice"), await person("bob"), await person("carol")
    await make_workspace(alice, bob)
    await make_workspace(carol)
    async with alice.socket(PRESENCE, cluster.a) as hers, carol.socket(PRESENCE, cluster.a) as strangers:
        assert await status_of(strangers, carol) == "online"
        async with bob.socket(PRESENCE, cluster.b):
            assert await status_of(hers, bob) == "online"
            await nothing_waits(strangers)


async def test_sharing_two_workspaces_gives_one_update(cluster: Cluster, person: MakePerson) -> None:
    alice, bob = await person("alice"), await person("bob")
    await make_workspace(alice, bob)
    await make_workspace(bob, alice)
    async with alice.socket(PRESENCE, cluster.a) as hers, bob.socket(PRESENCE, cluster.b):
        told = await heard(hers)
    assert [status for email, status in told if email == bob.email] == ["online"]


async def test_a_socket_that_is_open_follows_who_joins_and_leaves_the_workspace(cluster: Cluster, person: MakePerson) -> None:
    alice, bob = await person("alice"), await person("bob")
    workspace_id, _ = await make_team(alice)
    async with bob.socket(PRESENCE, cluster.b) as his, alice.socket(PRESENCE, cluster.a) as hers:
        assert alice.email not in dict(await heard(his))
        await add_member(alice, workspace_id, bob)
        await ask(hers, "heartbeat", status="idle")
        assert await status_of(his, alice) == "idle"
        await call(bob.http, "POST", f"/api/workspaces/{workspace_id}/leave/")
        await ask(hers, "heartbeat", status="online")
        assert await status_of(hers, alice) == "online"
        assert alice.email not in dict(await heard(his, 0.5))


async def test_presence_ends_with_the_session(cluster: Cluster, person: MakePerson) -> None:
    alice, bob = await person("alice"), await person("bob")
    await make_workspace(alice, bob)
    async with alice.socket(PRESENCE, cluster.a) as hers, bob.socket(PRESENCE, cluster.b) as his:
        assert await status_of(hers, bob) == "online"
        async with seconds_later(31, bob, cluster.a.database):
            await call(bob.http, "POST", "/api/logout/")
            assert await his.closed() == 4401
            assert await next_status(hers, bob, "online") == "offline"


async def test_somebody_who_was_thought_gone_is_told_to_be_back(cluster: Cluster, person: MakePerson) -> None:
    alice, bob = await person("alice"), await person("bob")
    workspace_id = await make_workspace(alice, bob)
    async with alice.socket(PRESENCE, cluster.a) as hers, bob.socket(PRESENCE, cluster.b):
        assert await status_of(hers, bob) == "online"
        # As if his process had been held up for longer than a row lives.
        async with seconds_later(31, bob, cluster.a.database):
            assert await next_status(hers, bob, "online") == "offline"
        assert await status_of(hers, bob, 15) == "online"
        assert (await listed(alice, workspace_id))[bob.email] == "online"
