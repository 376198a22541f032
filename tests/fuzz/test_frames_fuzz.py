"""Whatever arrives on a socket is done or answered, disturbs nobody else, and leaves no traceback in the log."""

from collections.abc import AsyncIterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import Cluster
from tests.fuzz import conftest
from tests.fuzz.frames import Sent, may_be_ref, sent_to, understood, wire
from tests.fuzz.fuzzed import HARMLESS, Fuzzed, fuzzing
from tests.servers import MailServer

NOTHING = Sent('{"type": "nothing"}', (), False)


@pytest.fixture(scope="module")
async def fuzzed(cluster: Cluster, mail: MailServer) -> AsyncIterator[Fuzzed]:
    async with fuzzing(cluster, mail) as people:
        yield people
        assert all({"ack", "error"} <= kinds for kinds in people.kinds.values()), "right and wrong frames were among them"


def fuzz(examples: int) -> settings:
    """So many by default, and twenty times as many, other ones each time, with --fuzz."""
    long = conftest.LONG
    return settings(
        max_examples=20 * examples if long else examples,
        derandomize=not long,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )


@pytest.mark.parametrize("path", HARMLESS)
@fuzz(100)
@given(data=st.data())
async def test_every_frame_is_done_or_refused_once(path: str, fuzzed: Fuzzed, data: st.DataObject) -> None:
    frame = data.draw(sent_to(path))
    replies = await fuzzed.replies(path, frame)
    kinds = [reply["type"] for reply in replies]
    fuzzed.kinds[path].update(kinds)
    asked = understood(frame.data)
    if not isinstance(asked, dict):
        assert kinds == ["error"]
    elif "ref" not in asked:
        assert kinds in ([], ["error"], ["resync_required"])
    elif may_be_ref(asked["ref"]):
        assert kinds in (["ack"], ["error"], ["resync_required"])
        # A ref in what is no JSON to a strict reader cannot be told.
        assert replies[0].get("ref", "untold" if kinds != ["error"] else asked["ref"]) == asked["ref"]
    else:
        assert kinds == ["error"]


@fuzz(40)
@given(path=st.sampled_from(sorted(HARMLESS)), wire=wire)
async def test_bytes_that_are_no_frames_end_at_most_their_own_socket(path: str, wire: bytes, fuzzed: Fuzzed) -> None:
    await fuzzed.replies(path, NOTHING)  # Ann's other socket is open, then and after
    await fuzzed.break_in(path, wire)
    assert [reply["type"] for reply in await fuzzed.replies(path, NOTHING)] == ["error"]


@pytest.mark.parametrize("pieces", [[b"\xff\xfe"], [b"\xf0\x9f", b"\x91\xff"]], ids=["whole", "in fragments"])
async def test_text_that_is_no_utf8_ends_its_socket(pieces: list[bytes], fuzzed: Fuzzed) -> None:
    async with fuzzed.ann.socket("/ws/chat/") as socket:
        await socket.connection.send(pieces, text=True)
        assert await socket.closed() == 1007
    fuzzed.ann.server.assert_no_traceback()
