"""/ws/activity/: what happens in a workspace, as it happens, to whom it may be shown."""

from tests.conftest import Cluster, Person, Socket
from tests.sockets.scenes import (
    Json,
    MakePerson,
    add_member,
    ask,
    call,
    make_channel,
    make_team,
    make_workspace,
    nothing_waits,
    own_id,
    post,
    refusal,
    subscribed,
)

ACTIVITY = "/ws/activity/"
NO_ID = 2**63 - 1


async def updates(socket: Socket, count: int) -> list[Json]:
    frames = [await socket.receive() for _ in range(count)]
    assert {frame["type"] for frame in frames} == {"activity_update"}, frames
    return frames


async def feed(someone: Person, workspace_id: int) -> list[Json]:
    """Over HTTP, the oldest first."""
    answer = await call(someone.http, "POST", "/api/activities/", workspace_id=workspace_id, limit=200)
    return list(answer["data"][::-1])


async def test_activity_on_one_process_is_shown_on_the_other_with_the_documented_fields(
    cluster: Cluster, person: MakePerson
) -> None:
    john, ann = await person("john", "John Doe"), await person("ann")
    workspace_id, channel_id = await make_team(john, ann)
    async with subscribed(ann, cluster.b, ACTIVITY, workspace_id=workspace_id) as hers:
        sent = await post(john, channel_id, "Hello team!")
        [frame] = await updates(hers, 1)
    activity = frame["activity"]
    assert (frame["workspace_id"], frame["seq"], frame["prev_seq"]) == (workspace_id, activity["seq"], activity["seq"] - 1)
    assert (activity["actor_email"], activity["type"], activity["ref_id"]) == (john.email, "message_sent", sent["message_id"])
    assert (activity["summary"], activity["channel_id"]) == ("John sent a message in #general", channel_id)
    assert activity["created_at"] == sent["created_at"]


async def test_what_a_socket_shows_is_what_a_fresh_fetch_tells(cluster: Cluster, person: MakePerson) -> None:
    alice, bob = await person("alice"), await person("bob")
    workspace_id = await make_workspace(alice)
    before = await feed(alice, workspace_id)
    async with subscribed(alice, cluster.b, ACTIVITY, workspace_id=workspace_id) as hers:
        await add_member(alice, workspace_id, bob)
        channel_id = await make_channel(alice, workspace_id, "general")
        await post(bob, channel_id, "hi")
        await call(alice.http, "PATCH", f"/api/channels/{channel_id}/", name="lobby")
        await call(alice.http, "PATCH", f"/api/workspaces/{workspace_id}/", name="Looking-Glass")
        await call(alice.http, "POST", f"/api/channels/{channel_id}/archive/")
        await call(bob.http, "POST", f"/api/workspaces/{workspace_id}/leave/")
        after = await feed(alice, workspace_id)
        shown = await updates(hers, len(after) - len(before))
        await nothing_waits(hers)
    assert [frame["activity"] for frame in shown] == after[len(before) :]
    assert [frame["activity"]["type"] for frame in shown] == [
        "member_joined",
        "channel_created",
        "message_sent",
        "channel_renamed",
        "workspace_renamed",
        "channel_archived",
        "member_left",
    ]


async def test_a_private_channel_shows_its_activity_to_its_members_alone_and_leaves_no_false_gap(
    cluster: Cluster, person: MakePerson
) -> None:
    alice, bob = await person("alice"), await person("bob")
    workspace_id, general = await make_team(alice, bob)
    private = await make_channel(alice, workspace_id, "secret", private=True)
    async with (
        subscribed(alice, cluster.b, ACTIVITY, workspace_id=workspace_id) as hers,
        subscribed(bob, cluster.b, ACTIVITY, workspace_id=workspace_id) as his,
    ):
        for channel_id in (general, private, private, general):
            await post(alice, channel_id, "x")
        everything = await updates(hers, 4)
        seqs = [frame["seq"] for frame in everything]
        assert [frame["prev_seq"] for frame in everything] == [seq - 1 for seq in seqs]
        shown = await updates(his, 2)
        await nothing_waits(his)
    assert [frame["seq"] for frame in shown] == [seqs[0], seqs[3]]
    assert shown[1]["prev_seq"] == seqs[0], "the last one that he saw: he missed nothing"
    assert [frame["activity"] for frame in shown] == (await feed(bob, workspace_id))[-2:]


async def test_a_new_member_of_a_private_channel_sees_its_activity_on_a_socket_that_was_open(
    cluster: Cluster, person: MakePerson
) -> None:
    alice, bob = await person("alice"), await person("bob")
    workspace_id = await make_workspace(alice, bob)
    private = await make_channel(alice, workspace_id, "secret", private=True)
    async with subscribed(bob, cluster.b, ACTIVITY, workspace_id=workspace_id) as his:
        await post(alice, private, "unseen")
        await call(alice.http, "POST", f"/api/channels/{private}/members/", user_id=await own_id(bob))
        await post(alice, private, "seen")
        joined, sent = await updates(his, 2)
        assert (joined["activity"]["type"], sent["activity"]["type"]) == ("channel_member_joined", "message_sent")
        assert joined["seq"] + 1 == sent["seq"]


async def test_a_guest_is_shown_the_workspace_and_the_channels_they_are_in(cluster: Cluster, person: MakePerson) -> None:
    alice, guest = await person("alice"), await person("guest")
    workspace_id = await make_workspace(alice)
    public = await make_channel(alice, workspace_id, "public")
    await add_member(alice, workspace_id, guest, "guest")
    theirs = await make_channel(alice, workspace_id, "theirs", guest)
    async with (
        subscribed(alice, cluster.b, ACTIVITY, workspace_id=workspace_id) as hers,
        subscribed(guest, cluster.b, ACTIVITY, workspace_id=workspace_id) as shown,
    ):
        for channel_id in (public, theirs):
            await post(alice, channel_id, "x")
        await call(alice.http, "PATCH", f"/api/workspaces/{workspace_id}/", name="Renamed")
        assert [frame["activity"]["channel_id"] for frame in await updates(hers, 3)] == [public, theirs, None]
        assert [frame["activity"]["channel_id"] for frame in await updates(shown, 2)] == [theirs, None]


async def test_unsubscribing_ends_a_workspaces_activity_and_leaves_the_others(cluster: Cluster, person: MakePerson) -> None:
    alice = await person("alice")
    (first, in_first), (second, in_second) = await make_team(alice), await make_team(alice)
    async with subscribed(alice, cluster.b, ACTIVITY, workspace_id=first) as socket:
        await ask(socket, "subscribe", workspace_id=second)
        await post(alice, in_first, "x")
        await post(alice, in_second, "x")
        assert {frame["workspace_id"] for frame in await updates(socket, 2)} == {first, second}
        await ask(socket, "unsubscribe", workspace_id=first)
        await post(alice, in_first, "y")
        await post(alice, in_second, "y")
        assert [frame["workspace_id"] for frame in await updates(socket, 1)] == [second]
        await nothing_waits(socket)


async def test_subscribing_twice_does_not_double_what_arrives(cluster: Cluster, person: MakePerson) -> None:
    alice = await person("alice")
    workspace_id, channel_id = await make_team(alice)
    async with subscribed(alice, cluster.b, ACTIVITY, workspace_id=workspace_id) as socket:
        await ask(socket, "subscribe", workspace_id=workspace_id)
        await post(alice, channel_id, "x")
        await updates(socket, 1)
        await nothing_waits(socket)


async def test_a_foreign_workspace_is_answered_like_one_that_does_not_exist(cluster: Cluster, person: MakePerson) -> None:
    alice, stranger = await person("alice"), await person("stranger")
    workspace_id, channel_id = await make_team(alice)
    async with (
        subscribed(alice, cluster.b, ACTIVITY, workspace_id=workspace_id) as hers,
        stranger.socket(ACTIVITY, cluster.b) as socket,
    ):
        answers = []
        for id_ in (workspace_id, NO_ID):
            await socket.send({"type": "subscribe", "workspace_id": id_, "since_seq": 0})
            answers.append(await socket.receive())
        assert answers[0] == answers[1] and answers[0]["code"] == "not_found"
        await post(alice, channel_id, "x")
        await updates(hers, 1)
        await nothing_waits(socket)


async def test_subscribing_without_a_workspace_names_the_field_that_is_missing(cluster: Cluster, person: MakePerson) -> None:
    alice = await person("alice")
    async with alice.socket(ACTIVITY, cluster.b) as socket:
        for type_ in ("subscribe", "unsubscribe"):
            await socket.send({"type": type_})
            answer = await socket.receive()
            assert answer["code"] == "bad_input" and answer["message"].startswith("workspace_id is required"), answer


async def test_activity_that_was_missed_is_replayed_to_each_viewer_as_they_may_see_it(
    cluster: Cluster, person: MakePerson
) -> None:
    alice, bob = await person("alice"), await person("bob")
    workspace_id, general = await make_team(alice, bob)
    private = await make_channel(alice, workspace_id, "secret", private=True)
    for channel_id in (general, private, general):
        await post(alice, channel_id, "missed")
    for someone in (alice, bob):
        expected = await feed(someone, workspace_id)
        async with someone.socket(ACTIVITY, cluster.b) as socket:
            await socket.send({"type": "subscribe", "workspace_id": workspace_id, "since_seq": 0})
            replayed = await updates(socket, len(expected))
            assert [frame["activity"] for frame in replayed] == expected
            assert [frame["prev_seq"] for frame in replayed] == [0, *(frame["seq"] for frame in replayed[:-1])]
            await post(alice, general, "live")
            [live] = await updates(socket, 1)
            assert live["prev_seq"] == replayed[-1]["seq"]
    assert len(await feed(alice, workspace_id)) == len(await feed(bob, workspace_id)) + 2, "the two of the private channel"


async def test_a_viewer_ahead_of_the_log_is_told_to_fetch_anew(cluster: Cluster, person: MakePerson) -> None:
    alice = await person("alice")
    workspace_id, channel_id = await make_team(alice)
    newest = (await feed(alice, workspace_id))[-1]["seq"]
    async with alice.socket(ACTIVITY, cluster.b) as socket:
        await socket.send({"type": "subscribe", "workspace_id": workspace_id, "since_seq": newest + 1})
        assert await socket.receive() == {"type": "resync_required", "seq": newest, "workspace_id": workspace_id}
        await post(alice, channel_id, "x")
        await nothing_waits(socket)
        assert await refusal(socket, "subscribe", workspace_id=NO_ID) == "not_found"
