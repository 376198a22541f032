"""Ann, whose sockets are fuzzed, and two who look on from other places."""

import asyncio
import json
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from itertools import count
from typing import Any

from tests.conftest import Cluster, Person, Socket, numbers
from tests.fuzz.frames import CHANNEL, WORKSPACE, Sent
from tests.servers import MailServer
from tests.sockets.scenes import ask, make_team, post

REPLIES = ("ack", "error", "resync_required")
NOWHERE = 2**62
# A frame that succeeds on the socket and changes nothing: its ack shows that everything before it has been dealt with.
HARMLESS: dict[str, dict[str, Any]] = {
    "/ws/": {"type": "leave_channel", "channel_id": NOWHERE},
    "/ws/chat/": {"type": "leave_channel", "channel_id": NOWHERE},
    "/ws/activity/": {"type": "unsubscribe", "workspace_id": NOWHERE},
    "/ws/presence/": {"type": "heartbeat", "status": "online"},
    "/ws/notifications/": {"type": "unsubscribe"},
}


class Onlooker:
    """Somebody in a channel, who notes all that they see."""

    def __init__(self, person: Person, channel_id: int) -> None:
        self.person = person
        self.channel_id = channel_id
        self.seen: list[dict[str, Any]] = []

    async def look(self, socket: Socket) -> None:
        self.joined_at = (await ask(socket, "join_channel", channel_id=self.channel_id))["seq"]
        async for text in socket.connection:
            self.seen.append(json.loads(text))

    async def has_missed_nothing(self) -> list[str]:
        """Asserts it; the bodies that they saw."""
        await post(self.person, self.channel_id, "The end")
        async with asyncio.timeout(20):
            while not self.seen or self.seen[-1].get("message", {}).get("body") != "The end":
                await asyncio.sleep(0.01)
        messages = [frame for frame in self.seen if frame["type"] != "typing"]
        assert {frame["type"] for frame in messages} == {"new_message"}
        first = self.joined_at + 1
        assert [frame["seq"] for frame in messages] == list(range(first, first + len(messages)))
        return [frame["message"]["body"] for frame in messages]


class Fuzzed:
    """Ann's sockets, one a path, which live through all frames."""

    def __init__(self, ann: Person, ids: dict[str, int]) -> None:
        self.ann = ann
        self.cleanup = AsyncExitStack()
        self._ids = ids
        self._sockets: dict[str, Socket] = {}
        self._refs = count(1)
        self.kinds: defaultdict[str, set[str]] = defaultdict(set)  # of replies, by path

    async def replies(self, path: str, frame: Sent) -> list[dict[str, Any]]:
        """What answers a frame: the replies before the ack of a harmless one behind it."""
        if path not in self._sockets:
            self._sockets[path] = await self.cleanup.enter_async_context(self.ann.socket(path))
        socket, ref = self._sockets[path], f"behind {next(self._refs)}"
        await self._deliver(socket.connection, frame)
        await socket.send({**HARMLESS[path], "ref": ref})
        replies = []
        while (seen := await socket.receive(20)).get("ref") != ref:
            replies += [seen] if seen["type"] in REPLIES else []
        assert seen["type"] == "ack"
        return replies

    async def break_in(self, path: str, wire: bytes) -> None:
        """A socket of its own, on which bytes go out that need not even be frames."""
        async with self.ann.socket(path) as socket:
            transport = socket.connection.transport
            transport.write(wire)
            with suppress(TimeoutError):
                async with asyncio.timeout(0.2):
                    await socket.connection.wait_closed()
                # Ended by the server, or by a close frame among the bytes: in either case a close frame said why.
                assert socket.close_code != 1006
            transport.abort()

    async def _deliver(self, connection: Any, frame: Sent) -> None:
        data: Any = frame.data
        for name, id_ in self._ids.items() if isinstance(data, str) else ():
            data = data.replace(f'"{name}"', str(id_))

        async def fragments() -> AsyncIterator[Any]:
            for start, end in zip((0, *frame.cuts), (*frame.cuts, None), strict=True):
                if frame.with_pings:
                    await connection.ping()
                yield data[start:end]

        await connection.send(fragments() if frame.cuts else data)


@asynccontextmanager
async def fuzzing(cluster: Cluster, mail: MailServer) -> AsyncIterator[Fuzzed]:
    """Afterwards those who looked on have seen what was for them, and nothing else."""
    async with AsyncExitStack() as cleanup:
        people = [f"{name}{next(numbers)}" for name in ("ann", "bob", "carol")]
        ann, bob, carol = [Person(name, f"{name}@example.com", "Ann Example", cluster.a, cleanup) for name in people]
        for someone in (ann, bob, carol):
            await someone.register()
            await someone.sign_in(mail)
        workspace, channel = await make_team(ann, bob)
        _, elsewhere = await make_team(carol)
        onlookers = [Onlooker(bob, channel), Onlooker(carol, elsewhere)]
        async with asyncio.TaskGroup() as looking:
            places = zip(onlookers, (cluster.b, cluster.a), strict=True)
            sockets = [await cleanup.enter_async_context(who.person.socket("/ws/chat/", server)) for who, server in places]
            tasks = [looking.create_task(who.look(socket)) for who, socket in zip(onlookers, sockets, strict=True)]
            fuzzed = Fuzzed(ann, {CHANNEL: channel, WORKSPACE: workspace})
            cleanup.push_async_exit(fuzzed.cleanup)
            yield fuzzed
            await onlookers[0].has_missed_nothing()
            assert await onlookers[1].has_missed_nothing() == ["The end"]
            for task in tasks:
                task.cancel()
    for server in cluster.both:
        server.assert_no_traceback()
