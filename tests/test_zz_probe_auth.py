import asyncio, time, re
import pytest, websockets
from tests.conftest import *

@pytest.mark.parametrize("n", [8000, 8100, 8300, 20000, 60000, 70000])
async def test_long(cluster, n):
    t=time.time()
    try:
        async with websockets.connect(cluster.a.ws_url + "/ws/?token=" + "a"*n, open_timeout=3) as c: pass
    except BaseException as e:
        print("WS", n, type(e), e, time.time()-t)
    r, w = await asyncio.open_connection("127.0.0.1", int(cluster.a.env["PORT"]))
    w.write(b"GET /api/me/?token=" + b"a"*n + b" HTTP/1.1\r\nHost: x\r\n\r\n")
    try:
        print("HTTP", n, (await asyncio.wait_for(r.read(200), 3))[:60])
    except BaseException as e:
        print("HTTP", n, type(e))
    w.close()
    print(cluster.a.log()[-800:])
