"""Calls made from the OpenAPI document, right and wrong ones: what comes back is what the document says, and never a 5xx.

By default every boundary that the document implies and a few random calls an operation; many more with --fuzz.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from pluseboard.openapi import build_document
from pluseboard.routes import ENDPOINTS
from pluseboard.socket_catalog import SOCKETS
from tests.conftest import Cluster, Person, numbers
from tests.fuzz import conftest
from tests.fuzz.scene import Scene, bearer
from tests.servers import MailServer

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
DOCUMENT = build_document(ENDPOINTS, sockets=SOCKETS)
GENERATION = {"max-examples": 200 if conftest.LONG else 5, "database": "none"}
CONFIG = schemathesis.Config.from_dict({"generation": GENERATION, **({} if conftest.LONG else {"seed": 1})})
# What ends something that calls of other operations name.
ENDINGS = ("/leave/", "/transfer/", "/archive/")
# No code is at hand, no refresh token, no second session; an owner may not leave; where mail is sent there is no mailbox.
NEVER_SUCCEED = (
    "POST /api/verify-otp/",
    "POST /api/refresh/",
    "DELETE /api/sessions/{session_id}/",
    "POST /api/workspaces/{workspace_id}/leave/",
    "GET /dev/mailbox",
)

schema = schemathesis.openapi.from_dict(DOCUMENT, config=CONFIG)


@pytest.fixture(scope="module")
async def scene(cluster: Cluster, mail: MailServer) -> AsyncIterator[Scene]:
    async with AsyncExitStack() as cleanup:
        people = [f"{name}{next(numbers)}" for name in ("owner", "bob", "carol")]
        owner, bob, carol = [Person(name, f"{name}@example.com", name, cluster.a, cleanup) for name in people]
        for someone in (owner, bob, carol):
            await someone.register()
            await someone.sign_in(mail)
        made = Scene(owner, bob, carol)
        yield made
        made.close()


@pytest.fixture
def statuses(request: pytest.FixtureRequest, scene: Scene) -> Iterator[set[int]]:
    """Those of all calls of an operation: when none succeeds, the test says little of it."""
    if scene.is_spoiled:
        scene.make()
    seen: set[int] = set()
    yield seen
    assert min(seen) < 300 or request.node.operation_label in NEVER_SUCCEED


def test_the_server_publishes_the_document_that_is_tested(cluster: Cluster) -> None:
    assert httpx.get(f"{cluster.b.url}/api/openapi.json", trust_env=False).json() == DOCUMENT


@schema.parametrize()
@settings(suppress_health_check=list(HealthCheck))  # `statuses` lasts over an operation's calls; a busy machine is no failure
def test_every_answer_is_documented_signed_in_and_signed_out(case: Case, scene: Scene, statuses: set[int]) -> None:
    statuses.add(call(case, scene))
    if case.operation.label == "POST /api/logout/" or case.path_parameters.get("session_id") in scene.own_session:
        return
    statuses.add(call(case, scene, scene.owner))
    if any([scene.fill(part) for part in (case.path_parameters, case.query, case.body)]):  # noqa: C419 - every part
        statuses.add(call(case, scene, scene.owner))


def call(case: Any, scene: Scene, who: Person | None = None) -> int:
    headers = bearer(who) if who else None
    answer = case.call_and_validate(base_url=scene.url, session=scene.session, headers=headers, checks=CHECKS)
    # Methods that the path does not have are tried too.
    if case.method == case.operation.method.upper() and case.operation.definition.raw.get("security") != []:
        assert (answer.status_code == 401) == (who is None), answer.text
    if answer.status_code < 300 and (case.method == "DELETE" or case.path.endswith(ENDINGS)):
        scene.is_spoiled = True
    return int(answer.status_code)
