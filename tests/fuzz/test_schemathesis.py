import httpx
import pytest
import schemathesis
from hypothesis import settings, HealthCheck
from collections import Counter
import time

from pluseboard import routes
from pluseboard.openapi import build_document
from pluseboard.socket_catalog import SOCKETS

SCHEMA = schemathesis.openapi.from_dict(build_document(routes.ENDPOINTS, sockets=SOCKETS))
N = Counter()

@SCHEMA.parametrize()
@settings(max_examples=5, deadline=None, database=None)
def test_signed_out(case, cluster):
    t=time.perf_counter()
    r = case.call(base_url=cluster.a.url)
    N["call"] += time.perf_counter()-t
    N[case.operation.label] += 1
    t=time.perf_counter()
    case.validate_response(r, checks=CHECKS)
    N["check"] += time.perf_counter()-t

from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import status_code_conformance, content_type_conformance, response_schema_conformance
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]

@pytest.fixture(scope="session", autouse=True)
def show():
    yield
    print(N)
    open("/tmp/pf/N","w").write(str(N))
