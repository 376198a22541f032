"""A workspace with one of everything in it, and the people to whom parts of it must be as if they were not there."""

from dataclasses import dataclass
from typing import Any

from tests.api import Caller
from tests.servers import Database

MISSING = 2**62  # an id that nothing has
MISSING_TOKEN = "x" * 32
# Names that stand in nothing else: of the workspace, its public and its private channel.
SECRETS = ("Secret Plans", "lounge", "boardroom")

# Whose eyes a thing is hidden from. Two have their own workspace: nobody is a stranger for want of one.
OUTSIDE = ("nobody", "stranger", "neighbour", "former")
EVERYBODY = (*OUTSIDE, "guest", "member")
HIDDEN_FROM = {
    "workspace": OUTSIDE,
    "public channel": (*OUTSIDE, "guest"),
    "private channel": EVERYBODY,
    "public message": (*OUTSIDE, "guest"),
    "private message": EVERYBODY,
    "notification": EVERYBODY,
    "session": EVERYBODY,
    "own record": EVERYBODY,
    "ended token": EVERYBODY,
}


@dataclass(frozen=True)
class People:
    """`owner` owns the workspace in question; the others stand further and further off."""

    owner: Caller
    member: Caller  # of the workspace, not of the private channel
    guest: Caller  # of the workspace, added to no channel
    former: Caller  # was in both, until they were removed
    neighbour: Caller  # the owner of another workspace
    stranger: Caller  # signed in, in no workspace
    nobody: Caller  # not signed in


class World:
    """Made anew where requests may change it. `of(kind)` is the id of a thing in it, made when it is first asked for."""

    def __init__(self, owner: Caller, people: People, database: Database) -> None:
        self._owner, self._people, self._database = owner, people, database
        self._ids: dict[str, Any] = {}

    async def build(self) -> "World":
        owner, people = self._owner, self._people
        roles: dict[str, Caller | list[Caller]] = {"member": [people.member, people.former], "guest": people.guest}
        workspace = await owner.workspace(SECRETS[0], roles)
        public = await owner.channel(workspace, SECRETS[1])
        private = await owner.channel(workspace, SECRETS[2], [people.former], is_private=True)
        await owner.delete(f"/api/workspaces/{workspace}/members/{people.former.id}/")
        self._ids = {"workspace": workspace, "public channel": public, "private channel": private, "user": people.member.id}
        for privacy, channel in (("public", public), ("private", private)):
            self._ids[f"{privacy} message"] = (await owner.say(channel, f"{privacy} words"))["message_id"]
        return self

    async def of(self, kind: str) -> Any:
        if kind not in self._ids:
            self._ids[kind] = await self._make(kind)
        return self._ids[kind]

    async def _make(self, kind: str) -> Any:
        owner, workspace = self._owner, self._ids["workspace"]
        if kind in ("channel", "message", "activity"):
            return await self.of(f"public {kind}")
        if kind == "invitation":
            await owner.post(f"/api/workspaces/{workspace}/members/", {"email": "invited@example.com"})
            return (await owner.get(f"/api/workspaces/{workspace}/invitations/"))[0]["id"]
        if kind in ("link", "token", "ended token"):
            link = await owner.post(f"/api/workspaces/{workspace}/invite-links/", {})
            if kind == "ended token":
                await owner.delete(f"/api/workspaces/{workspace}/invite-links/{link['link_id']}/")
            return link["link_id" if kind == "link" else "token"]
        if kind == "notification":
            await self._people.member.say(self._ids["public channel"], f"@{owner.username} look")
            return (await owner.get("/api/notifications/"))[0]["id"]
        if kind == "record":
            return (await owner.get(f"/api/workspaces/{workspace}/audit/"))[-1]["id"]
        if kind == "own record":
            return (await owner.get("/api/audit/"))[0]["id"]
        if kind == "session":
            return await self._another_session()
        assert kind.endswith("activity"), kind
        channel = self._ids[kind.replace("activity", "channel")]
        activities, _ = await self._activities()
        return next(each["id"] for each in activities if each["channel_id"] == channel and each["type"] == "message_sent")

    async def _activities(self) -> tuple[list[dict[str, Any]], bool]:
        body = await self._owner.post("/api/activities/", {"workspace_id": self._ids["workspace"]})
        return body["data"], body["has_more"]

    async def _another_session(self) -> int:
        """Of the owner's, on another device: to be ended without harm."""
        columns = "user_id, device, ip, created_at, rotated_at, last_used_at, expires_at"
        await self._database.query(
            f"INSERT INTO sessions ({columns}) SELECT {columns} FROM sessions WHERE user_id = %s LIMIT 1", [self._owner.id]
        )
        (row,) = await self._database.query("SELECT MAX(id) AS id FROM sessions WHERE user_id = %s", [self._owner.id])
        return int(row["id"])
