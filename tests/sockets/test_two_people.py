"""Two people on two processes: each sees what the other does, as it happens."""

import asyncio
from contextlib import AsyncExitStack

from tests.conftest import Cluster, Person, Socket
from tests.servers import MailServer, ServerProcess
from tests.sockets.scenes import Json, MakePerson, ask, call, make_team, second_device


class Screen:
    """What somebody's device has been shown."""

    def __init__(self, socket: Socket) -> None:
        self.socket = socket
        self.frames: list[Json] = []

    async def shows(self, type: str, **fields: object) -> Json:
        """A frame of that type with those fields, now or soon; each counts once."""
        async with asyncio.timeout(5):
            while True:
                for frame in self.frames:
                    if frame["type"] == type and fields.items() <= frame.items():
                        self.frames.remove(frame)
                        return frame
                self.frames.append(await self.socket.receive(6))


async def sit_down(stack: AsyncExitStack, someone: Person, server: ServerProcess, workspace_id: int, channel_id: int) -> Screen:
    """Open /ws/ and follow everything, as a client does when it starts."""
    socket = await stack.enter_async_context(someone.socket("/ws/", server))
    await ask(socket, "subscribe")
    await ask(socket, "subscribe", workspace_id=workspace_id)
    await ask(socket, "join_channel", channel_id=channel_id)
    return Screen(socket)


async def test_two_people_on_two_processes_see_each_other_work(cluster: Cluster, person: MakePerson, mail: MailServer) -> None:
    john, ann = await person("john", "John Doe"), await person("ann", "Ann Other")
    workspace_id, channel_id = await make_team(john, ann)
    anns_phone = await second_device(ann, mail)
    async with AsyncExitStack() as stack:
        john_sees = await sit_down(stack, john, cluster.a, workspace_id, channel_id)
        ann_sees = await sit_down(stack, ann, cluster.b, workspace_id, channel_id)
        phone_sees = await sit_down(stack, anns_phone, cluster.a, workspace_id, channel_id)

        await john_sees.shows("presence_update", user_email=ann.email, status="online")
        await ask(ann_sees.socket, "typing", channel_id=channel_id)
        await john_sees.shows("typing", channel_id=channel_id, user_email=ann.email, username=ann.username)

        body = f"Are you there, @{john.username}? ☕"
        await ann_sees.socket.send({"type": "send_message", "channel_id": channel_id, "body": body})
        for screen in (john_sees, ann_sees, phone_sees):
            message = (await screen.shows("new_message", channel_id=channel_id, seq=1))["message"]
            assert (message["body"], message["sender_email"]) == (body, ann.email)
            activity = (await screen.shows("activity_update", workspace_id=workspace_id))["activity"]
            assert activity["summary"] == "Ann sent a message in #general"
        called = await john_sees.shows("notification", message="Ann mentioned you in #general")
        assert called["notification"]["message_id"] == message["id"]

        answer = await call(john.http, "POST", "/api/messages/", channel_id=channel_id, body=f"Here, @{ann.username}!")
        for screen in (ann_sees, phone_sees):
            await screen.shows("new_message", channel_id=channel_id, seq=2)
            note = await screen.shows("notification", message="John mentioned you in #general")
            assert note["notification"]["message_id"] == answer["message_id"]
        assert await unread(ann) == await unread(anns_phone) == {"channels": [(channel_id, 1, 1)], "notifications": 2}

        await call(ann.on(cluster.b), "POST", f"/api/channels/{channel_id}/read/", seq=2)
        for screen in (ann_sees, phone_sees):
            await screen.shows("channel_read", channel_id=channel_id, read_seq=2, unread_count=0, mention_count=0)
        await call(anns_phone.http, "POST", "/api/notifications/read/")
        for screen in (ann_sees, phone_sees):
            await screen.shows("notifications_read", notification_id=None, unread_count=0)
        assert await unread(ann) == await unread(anns_phone) == {"channels": [], "notifications": 0}
        assert not [frame for frame in john_sees.frames if "read" in frame["type"]], "what she has read is hers to know"

        await ann_sees.socket.send({"type": "heartbeat", "status": "idle"})
        await phone_sees.socket.send({"type": "heartbeat", "status": "idle"})
        await john_sees.shows("presence_update", user_email=ann.email, status="idle")
        await call(john.http, "PATCH", f"/api/messages/{answer['message_id']}/", body="Here!")
        edited = await phone_sees.shows("message_updated", channel_id=channel_id, seq=3)
        assert edited["message"]["body"] == "Here!"


async def unread(someone: Person) -> Json:
    data = (await call(someone.http, "GET", "/api/unread/"))["data"]
    channels = [(row["channel_id"], row["unread_count"], row["mention_count"]) for row in data["channels"]]
    return {"channels": channels, "notifications": data["notifications"]}
