"""Two people in two browsers, each at a server process of their own, over the seed's four sockets."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import pytest

from tests.browser.pages import Client, open_client, profile, sign_up
from tests.conftest import Cluster
from tests.servers import MailServer


@dataclass
class Team:
    """Ann and Bob share a workspace and its #general."""

    ann: Client
    bob: Client
    workspace_id: int
    channel_id: int


@pytest.fixture
async def profiles(browser: Any) -> AsyncIterator[Any]:
    """Opens profiles, each that of another person or device."""
    async with AsyncExitStack() as stack:

        async def make() -> Any:
            return await stack.enter_async_context(profile(browser))

        yield make


@pytest.fixture
async def team(profiles: Any, cluster: Cluster, mail: MailServer) -> Team:
    ann = await sign_up(await profiles(), cluster.a.url, mail, "ann")
    bob = await sign_up(await profiles(), cluster.b.url, mail, "bob")
    workspace_id = (await ann.call("POST", "/api/workspaces/", name="Two browsers"))["workspace_id"]
    channel = await ann.call("POST", "/api/channels/", workspace_id=workspace_id, name="general", is_private=False)
    await ann.call("POST", f"/api/workspaces/{workspace_id}/members/", email=bob.email)
    return Team(ann, bob, workspace_id, channel["channel_id"])


async def test_each_sees_what_the_other_writes_and_that_they_type(team: Team) -> None:
    for someone in (team.ann, team.bob):
        await someone.connect("chat")
        await someone.ask("chat", "join_channel", channel_id=team.channel_id)
    for sender, reader in ((team.ann, team.bob), (team.bob, team.ann)):
        await sender.send("chat", "typing", channel_id=team.channel_id)
        assert (await reader.expect("chat", "typing"))["user_email"] == sender.email
        await sender.send("chat", "send_message", channel_id=team.channel_id, body=f"{sender.username} says: 你好 👋🏽")
        for seen in (await reader.expect("chat", "new_message"), await sender.expect("chat", "new_message")):
            assert seen["message"]["sender_email"] == sender.email
            assert seen["message"]["body"] == f"{sender.username} says: 你好 👋🏽"


async def test_each_sees_the_other_come_and_rest(team: Team) -> None:
    await team.ann.connect("presence")
    await team.bob.connect("presence")
    assert await status_shown(team.ann, team.bob) == "online"
    for viewer, other in ((team.ann, team.bob), (team.bob, team.ann)):
        await other.send("presence", "heartbeat", status="idle")
        while (status := await status_shown(viewer, other)) == "online":
            pass  # an arrival, told late
        assert status == "idle"


async def status_shown(viewer: Client, other: Client) -> str:
    """The next one of the other person; one's own is shown too."""
    while (update := await viewer.expect("presence", "presence_update"))["user_email"] != other.email:
        pass
    return str(update["status"])


async def test_one_sees_the_others_activity(team: Team) -> None:
    await team.ann.connect("activity")
    await team.ann.ask("activity", "subscribe", workspace_id=team.workspace_id)
    sent = await team.bob.call("POST", "/api/messages/", channel_id=team.channel_id, body="Look at the activity")
    activity = (await team.ann.expect("activity", "activity_update"))["activity"]
    assert (activity["actor_email"], activity["type"], activity["ref_id"]) == (team.bob.email, "message_sent", sent["message_id"])
    assert activity["summary"].endswith("sent a message in #general")


async def test_one_hears_of_a_mention_and_reads_it_on_one_device_for_all(
    team: Team, profiles: Any, cluster: Cluster, mail: MailServer
) -> None:
    phone = await open_client(await profiles(), cluster.b.url, team.ann.username)
    await phone.sign_in(mail)
    for device in (team.ann, phone):
        await device.connect("notifications")
        await device.ask("notifications", "subscribe")
    sent = await team.bob.call("POST", "/api/messages/", channel_id=team.channel_id, body=f"@{team.ann.username}, have a look")
    notified = [await device.expect("notifications", "notification") for device in (team.ann, phone)]
    for frame in notified:
        assert frame["notification"]["actor_email"] == team.bob.email
        assert (frame["notification"]["message_id"], frame["notification"]["kind"]) == (sent["message_id"], "mention")
        assert "mentioned you" in frame["message"]

    notification_id = notified[0]["notification"]["id"]
    await team.ann.call("POST", f"/api/notifications/{notification_id}/read/")
    read = await phone.expect("notifications", "notifications_read")
    assert (read["notification_id"], read["unread_count"]) == (notification_id, 0)
