"""What this machine could do at best: bare endpoints on the same uvicorn, to hold beside pluseboard's figures in one run.

    python bench/limits.py --port 9001

POST /echo    one HS256 JWT check (cookie access_token), JSON in, JSON out: the limit of a send over HTTP
GET  /page    one JWT check, and `bytes` ready bytes: the limit of a page
WS   /echo    JSON in, JSON out: the limit of a send over a socket
WS   /crowd   joins the crowd; POST /shout?frames=N&bytes=B writes N pre-encoded text frames straight to every transport: the
              limit of fan-out; how=asgi goes through ASGI's send instead. Payloads carry @CLOCK_MONOTONIC ns@ for the latency.
"""

import argparse
import asyncio
import json
import time
from typing import Any

import jwt
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket

KEY = "k" * 48
crowd: dict[int, tuple[Send, Any]] = {}


def check(request: Request) -> None:
    jwt.decode(request.cookies["access_token"], KEY, algorithms=["HS256"], options={"require": ["exp", "sub"]})


async def echo(request: Request) -> JSONResponse:
    check(request)
    return JSONResponse({"status": "success", "message_id": len(json.loads(await request.body())["body"])}, 201)


async def page(request: Request) -> Response:
    check(request)
    return Response(b" " * int(request.query_params["bytes"]), media_type="application/json")


async def echo_socket(ws: WebSocket) -> None:
    await ws.accept()
    async for text in ws.iter_text():
        await ws.send_text(json.dumps({"type": "ack", "ref": json.loads(text)["ref"]}))


class Crowd:
    """A bare ASGI endpoint: uvicorn's `send` is a bound method of its protocol object, which owns the transport."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        protocol: Any = send
        while not hasattr(getattr(protocol, "__self__", None), "transport"):
            protocol = next(cell.cell_contents for cell in protocol.__closure__ if callable(cell.cell_contents))
        crowd[id(send)] = (send, protocol.__self__.transport)
        try:
            while (await receive())["type"] != "websocket.disconnect":
                pass
        finally:
            crowd.pop(id(send), None)


def text_frame(payload: bytes) -> bytes:
    n = len(payload)
    return (bytes([0x81, n]) if n < 126 else bytes([0x81, 126]) + n.to_bytes(2, "big")) + payload


async def shout(request: Request) -> PlainTextResponse:
    q = request.query_params
    frames, size, how = int(q.get("frames", 100)), int(q.get("bytes", 200)), q.get("how", "raw")
    for _ in range(frames):
        text = f'{{"type":"new_message","at":"@{time.monotonic_ns()}@","body":"'
        text += "m" * (size - len(text) - 2) + '"}'
        if how == "raw":
            frame = text_frame(text.encode())
            for _, transport in list(crowd.values()):
                transport.write(frame)
        else:
            for send, _ in list(crowd.values()):
                await send({"type": "websocket.send", "text": text})
        await asyncio.sleep(0)
    return PlainTextResponse(f"{frames * len(crowd)}")


app = Starlette(
    routes=[
        Route("/echo", echo, methods=["POST"]),
        Route("/page", page),
        Route("/shout", shout, methods=["POST"]),
        WebSocketRoute("/echo", echo_socket),
        WebSocketRoute("/crowd", Crowd()),
    ]
)

if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=9001)
    port = parser.parse_args().port
    uvicorn.run(app, port=port, ws_per_message_deflate=False, access_log=False, log_level="warning", backlog=4096)
