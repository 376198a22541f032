"""Something of every kind that a path, a query or a body can name, so that fuzzed calls get past "there is no such thing"."""

from dataclasses import dataclass, field
from itertools import cycle
from typing import Any

import requests

from tests.conftest import Person

Json = dict[str, Any]


def bearer(someone: Person) -> dict[str, str]:
    return {"Authorization": f"Bearer {someone.access_token}"}


@dataclass
class Scene:
    """The ids are what `owner` may use: `bob` is in the workspace and in its private channel, `carol` in the workspace alone."""

    owner: Person
    bob: Person
    carol: Person
    ids: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.url = self.owner.server.url
        self.session = requests.Session()
        self.session.trust_env = False
        (session,) = self.call(self.owner, "GET", "/api/sessions/")
        self.own_session = (session["id"], str(session["id"]))
        self._people = cycle([self._id_of(self.bob), self._id_of(self.carol)])
        self.make()

    def close(self) -> None:
        self.session.close()

    def call(self, who: Person, method: str, path: str, **body: Any) -> Any:
        """The answer to a call that succeeds, out of its envelope."""
        answer = self.session.request(method, f"{self.url}{path}", json=body or None, headers=bearer(who), timeout=30)
        assert answer.ok, f"{method} {path}: {answer.text}"
        content = answer.json()
        return content.get("data", content)

    def make(self) -> None:
        """Everything anew; what was there is left behind."""
        self.is_spoiled = False
        owner, bob = self.owner, self.bob
        workspace = self.call(owner, "POST", "/api/workspaces/", name="Fuzzed")["workspace_id"]
        members = f"/api/workspaces/{workspace}/members/"
        for email in (bob.email, self.carol.email, "nobody.yet@example.com"):
            self.call(owner, "POST", members, email=email)
        channel = self.call(owner, "POST", "/api/channels/", workspace_id=workspace, name="few", is_private=True)["channel_id"]
        self.call(owner, "POST", f"/api/channels/{channel}/members/", user_id=self._id_of(bob))
        self.call(bob, "POST", "/api/messages/", channel_id=channel, body=f"@{owner.username} look")
        elsewhere = self.call(bob, "POST", "/api/workspaces/", name="Elsewhere")["workspace_id"]
        self.ids = {
            "workspace_id": workspace,
            "channel_id": channel,
            "message_id": self.call(owner, "POST", "/api/messages/", channel_id=channel, body="Hello")["message_id"],
            "notification_id": self.call(owner, "GET", "/api/notifications/")[0]["id"],
            "invitation_id": self.call(owner, "GET", f"/api/workspaces/{workspace}/invitations/")[0]["id"],
            "link_id": self.call(owner, "POST", f"/api/workspaces/{workspace}/invite-links/", role="guest")["link_id"],
            "token": self.call(bob, "POST", f"/api/workspaces/{elsewhere}/invite-links/", role="guest")["token"],
        }

    def fill(self, part: Any) -> bool:
        """Puts our ids in the place of invented ones; True when there were any."""
        named = part.keys() & {*self.ids, "user_id"} if isinstance(part, dict) else set()
        for name in named:
            part[name] = next(self._people) if name == "user_id" else self.ids[name]
        return bool(named)

    def _id_of(self, someone: Person) -> int:
        return int(self.call(someone, "GET", "/api/me/")["id"])
