"""Whatever arrives on a socket is done or answered, disturbs nobody else, and leaves no traceback in the log."""

from collections.abc import AsyncIterator

import pytest
from hypothesis import HealthCheck, given, settings

from tests.conftest import Cluster
from tests.fuzz import conftest
from tests.fuzz.frames import Sent, may_be_ref, sent, understood
from tests.fuzz.fuzzed import HARMLESS, Fuzzed, fuzzing
from tests.servers import MailServer


@pytest.fixture(scope="module")
async def fuzzed(cluster: Cluster, mail: MailServer) -> AsyncIterator[Fuzzed]:
    async with fuzzing(cluster, mail) as people:
        yield people


@pytest.mark.parametrize("path", HARMLESS)
@settings(
    max_examples=2000 if conftest.LONG else 100,
    derandomize=not conftest.LONG,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
@given(frame=sent)
async def test_every_frame_is_done_or_refused_once(path: str, fuzzed: Fuzzed, frame: Sent) -> None:
    replies = await fuzzed.replies(path, frame)
    kinds = [reply["type"] for reply in replies]
    asked = understood(frame.data)
    if not isinstance(asked, dict):
        assert kinds == ["error"]
    elif "ref" not in asked:
        assert kinds in ([], ["error"], ["resync_required"])
    elif may_be_ref(asked["ref"]):
        assert kinds in (["ack"], ["error"], ["resync_required"])
        assert kinds != ["ack"] or replies[0]["ref"] == asked["ref"]
    else:
        assert kinds == ["error"]
