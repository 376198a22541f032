"""Access that ends on one process ends on the sockets of the other within a second; nothing sent afterwards arrives."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from tests.conftest import Cluster, Person, Socket
from tests.servers import MailServer
from tests.sockets.scenes import (
    PATHS,
    MakePerson,
    add_member,
    ask,
    call,
    joined,
    make_channel,
    make_team,
    make_workspace,
    messages,
    nothing_waits,
    own_id,
    post,
    refusal,
    refused,
    second_device,
    subscribed,
)


@asynccontextmanager
async def chat_and_feed(
    someone: Person, workspace_id: int, channel_id: int, cluster: Cluster
) -> AsyncIterator[tuple[Socket, Socket]]:
    """On process b: in a channel on one socket, following the workspace's activity on the other."""
    async with (
        joined(someone, channel_id, cluster.b) as chat,
        subscribed(someone, cluster.b, "/ws/activity/", workspace_id=workspace_id) as feed,
    ):
        yield chat, feed


async def test_signing_out_closes_every_socket_of_that_device_on_the_other_process(
    cluster: Cluster, person: MakePerson, mail: MailServer
) -> None:
    phone = await person("alice")
    laptop = await second_device(phone, mail)
    token = {"token": phone.access_token}
    async with laptop.socket("/ws/", cluster.b) as untouched, asyncio.TaskGroup() as closing:
        ready, codes = [asyncio.Event() for _ in PATHS], []

        async def hold(path: str, opened: asyncio.Event) -> None:
            async with phone.socket(path, cluster.b) as socket:
                await nothing_waits(socket)
                opened.set()
                codes.append(await socket.closed(5))

        held = [closing.create_task(hold(path, opened)) for path, opened in zip(PATHS, ready, strict=True)]
        await asyncio.gather(*(opened.wait() for opened in ready))
        await call(phone.on(cluster.a), "POST", "/api/logout/")
        await asyncio.wait_for(asyncio.gather(*held), 1)
        assert codes == [4401] * len(PATHS)
        await nothing_waits(untouched)
    assert await refused(phone, "/ws/", cluster.b, query=token) == 403


async def test_r19_a_device_signed_out_from_another_loses_its_sockets(
    cluster: Cluster, person: MakePerson, mail: MailServer
) -> None:
    phone = await person("alice")
    laptop = await second_device(phone, mail)
    _, channel_id = await make_team(phone)
    async with joined(phone, channel_id, cluster.b) as on_phone, joined(laptop, channel_id, cluster.b) as on_laptop:
        sessions = (await call(laptop.http, "GET", "/api/sessions/"))["data"]
        [other] = [session["id"] for session in sessions if not session["is_current"]]
        await call(laptop.on(cluster.a), "DELETE", f"/api/sessions/{other}/")
        assert await on_phone.closed(1) == 4401
        await post(laptop, channel_id, "mine alone")
        assert (await messages(on_laptop, 1))[0]["body"] == "mine alone"


async def test_r19_removal_from_a_workspace_ends_its_channels_and_activity(cluster: Cluster, person: MakePerson) -> None:
    alice, bob, carol = await person("alice"), await person("bob"), await person("carol")
    workspace_id, channel_id = await make_team(alice, bob, carol)
    async with (
        chat_and_feed(carol, workspace_id, channel_id, cluster) as (stays, still_shown),
        chat_and_feed(bob, workspace_id, channel_id, cluster) as (chat, feed),
    ):
        await post(alice, channel_id, "before")
        assert (await messages(chat, 1))[0]["body"] == "before"
        assert (await feed.receive())["type"] == "activity_update"
        await call(alice.on(cluster.a), "DELETE", f"/api/workspaces/{workspace_id}/members/{await own_id(bob)}/")
        for server in (*cluster.both, cluster.b):
            await post(alice, channel_id, "after", server)
        for socket in (chat, feed):
            end = await socket.receive(1)
            assert end == {"type": "unsubscribed", "reason": "removed", "workspace_id": workspace_id}
        assert len(await messages(stays, 4)) == 4, "whoever stays gets them all"
        assert [(await still_shown.receive())["activity"]["type"] for _ in range(5)].count("message_sent") == 4
        await nothing_waits(chat)
        await nothing_waits(feed)
        assert await refusal(chat, "join_channel", channel_id=channel_id) == "not_found"
        assert await refusal(chat, "send_message", channel_id=channel_id, body="x") == "not_found"
        assert await refusal(chat, "typing", channel_id=channel_id) == "forbidden"
        assert await refusal(feed, "subscribe", workspace_id=workspace_id) == "not_found"


async def test_r19_removal_from_a_private_channel_ends_that_channel_alone(cluster: Cluster, person: MakePerson) -> None:
    alice, bob, carol = await person("alice"), await person("bob"), await person("carol")
    workspace_id, general = await make_team(alice, bob, carol)
    private = await make_channel(alice, workspace_id, "secret", bob, carol, private=True)
    async with (
        chat_and_feed(carol, workspace_id, private, cluster) as (stays, _),
        chat_and_feed(bob, workspace_id, private, cluster) as (chat, feed),
    ):
        await ask(chat, "join_channel", channel_id=general)
        await post(alice, private, "before")
        assert (await messages(chat, 1))[0]["body"] == "before"
        assert (await feed.receive())["activity"]["type"] == "message_sent"
        await call(alice.on(cluster.a), "DELETE", f"/api/channels/{private}/members/{await own_id(bob)}/")
        for server in (*cluster.both, cluster.b):
            await post(alice, private, "after", server)
        end = {"type": "unsubscribed", "reason": "removed", "workspace_id": workspace_id, "channel_id": private}
        assert await chat.receive(1) == end
        assert len(await messages(stays, 4)) == 4
        await post(alice, general, "for all")
        assert (await messages(chat, 1))[0]["body"] == "for all"
        shown = await feed.receive()
        assert (shown["activity"]["type"], shown["activity"]["channel_id"]) == ("message_sent", general)
        assert await refusal(chat, "join_channel", channel_id=private) == "not_found"


async def test_becoming_a_guest_ends_what_a_guest_may_not_see(cluster: Cluster, person: MakePerson) -> None:
    alice, bob, carol = await person("alice"), await person("bob"), await person("carol")
    workspace_id, general = await make_team(alice, bob, carol)  # bob is in #general, the default
    public = await make_channel(alice, workspace_id, "public")
    async with (
        joined(carol, public, cluster.b) as stays,
        chat_and_feed(bob, workspace_id, public, cluster) as (chat, feed),
    ):
        await post(alice, public, "before")
        assert (await messages(chat, 1))[0]["body"] == "before"
        assert (await feed.receive())["activity"]["type"] == "message_sent"
        path = f"/api/workspaces/{workspace_id}/members/{await own_id(bob)}/"
        await call(alice.on(cluster.a), "PATCH", path, role="guest")
        for server in cluster.both:
            await post(alice, public, "after", server)
        for socket in (chat, feed):
            assert await socket.receive(1) == {"type": "unsubscribed", "reason": "role_changed", "workspace_id": workspace_id}
        assert len(await messages(stays, 3)) == 3
        await nothing_waits(chat)
        assert await refusal(chat, "join_channel", channel_id=public) == "not_found"
        await ask(chat, "join_channel", channel_id=general)
        await ask(feed, "subscribe", workspace_id=workspace_id)
        await post(alice, public, "not for guests")
        await post(alice, general, "for guests too")
        assert (await messages(chat, 1))[0]["body"] == "for guests too"
        assert (await feed.receive())["activity"]["channel_id"] == general


async def leave_workspace(bob: Person, alice: Person, workspace_id: int, channel_id: int) -> None:
    await call(bob.http, "POST", f"/api/workspaces/{workspace_id}/leave/")


async def leave_channel(bob: Person, alice: Person, workspace_id: int, channel_id: int) -> None:
    await call(bob.http, "POST", f"/api/channels/{channel_id}/leave/")


async def delete_workspace(bob: Person, alice: Person, workspace_id: int, channel_id: int) -> None:
    await call(alice.http, "DELETE", f"/api/workspaces/{workspace_id}/")


@pytest.mark.parametrize("end", [leave_workspace, leave_channel, delete_workspace])
async def test_leaving_and_deleting_end_a_subscription_too(
    end: Callable[[Person, Person, int, int], Awaitable[None]], cluster: Cluster, person: MakePerson
) -> None:
    alice, bob = await person("alice"), await person("bob")
    workspace_id = await make_workspace(alice, bob)
    channel_id = await make_channel(alice, workspace_id, "secret", bob, private=True)
    async with joined(bob, channel_id, cluster.b) as chat:
        await post(alice, channel_id, "before")
        assert (await messages(chat, 1))[0]["body"] == "before"
        await end(bob, alice, workspace_id, channel_id)
        answer = await chat.receive(1)
        assert (answer["type"], answer["workspace_id"]) == ("unsubscribed", workspace_id)
        assert answer["reason"] == ("deleted" if end is delete_workspace else "removed")
        if end is not delete_workspace:
            await post(alice, channel_id, "after")
        await nothing_waits(chat)
        assert await refusal(chat, "join_channel", channel_id=channel_id) == "not_found"


async def test_whoever_is_removed_and_added_again_joins_again(cluster: Cluster, person: MakePerson) -> None:
    alice, bob = await person("alice"), await person("bob")
    workspace_id, channel_id = await make_team(alice, bob)
    async with joined(bob, channel_id, cluster.b) as chat:
        for _ in range(3):
            await call(alice.http, "DELETE", f"/api/workspaces/{workspace_id}/members/{await own_id(bob)}/")
            assert (await chat.receive(1))["type"] == "unsubscribed"
            await add_member(alice, workspace_id, bob)
            await post(alice, channel_id, "not joined yet")
            await nothing_waits(chat)
            await ask(chat, "join_channel", channel_id=channel_id)
            await post(alice, channel_id, "joined")
            assert (await messages(chat, 1))[0]["body"] == "joined"


async def test_somebody_removed_while_they_join_is_not_left_inside(cluster: Cluster, person: MakePerson) -> None:
    alice, bob = await person("alice"), await person("bob")
    workspace_id = await make_workspace(alice, bob)
    bobs_id = await own_id(bob)
    async with bob.socket("/ws/chat/", cluster.b) as chat:
        for round_ in range(3):
            channel_id = await make_channel(alice, workspace_id, f"secret {round_}", bob, private=True)
            for _ in range(10):
                await post(alice, channel_id, "history")
            await chat.send({"type": "join_channel", "channel_id": channel_id, "since_seq": 0})
            await call(alice.on(cluster.a), "DELETE", f"/api/channels/{channel_id}/members/{bobs_id}/")
            await post(alice, channel_id, "after the end", cluster.b)
            await chat.send({"type": "nothing", "ref": round_})
            bodies = []
            while (frame := await chat.receive()).get("ref") != round_:
                bodies.append(frame.get("message"))
            assert "after the end" not in [body["body"] for body in bodies if isinstance(body, dict)]
            await post(alice, channel_id, "long after the end", cluster.b)
            await nothing_waits(chat)
