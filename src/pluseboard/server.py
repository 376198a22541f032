"""Runs the application under uvicorn: one process, or WEB_CONCURRENCY of them on one socket."""

import asyncio
import logging
import multiprocessing
import os
import signal
import socket
import sys
import threading
import time
from types import FrameType

from starlette.applications import Starlette
from uvicorn import Config, Server
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess

from pluseboard import logs
from pluseboard.settings import Settings

logger = logging.getLogger(__name__)

BACKLOG = 4096
GRACE_SECONDS = 7  # for requests and sockets to end; with the application's own shutdown SIGTERM takes less than 10
STUCK_SECONDS = 2  # more than that after the grace: it is not waited for any longer


class ServerError(Exception):
    """Why the server cannot start, in one line."""


def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT. Raises ServerError when the address cannot be used or the application does not start."""
    logs.configure(settings)
    config = _config(settings)
    with _listen(settings.listen_host, settings.port) as listener:
        signal.signal(signal.SIGTERM, _leave)
        logger.info("Serving on http://%s:%d", *listener.getsockname()[:2])
        started = _serve_workers(config, listener) if config.workers > 1 else _serve_alone(config, listener)
    if not started:
        raise ServerError("The application did not start; the log says why")


def application() -> Starlette:
    """What each process serves."""
    from pluseboard.app import build

    _end_with_parent()
    try:
        return build()
    except Exception:
        logger.exception("The application cannot be built")
        sys.exit(STARTUP_FAILURE)  # any other end of a worker would have another one started in its place, for ever


def _config(settings: Settings) -> Config:
    return Config(
        "pluseboard.server:application",
        factory=True,
        workers=settings.web_concurrency,
        loop="uvloop",
        http="pluseboard.sockets.door:HttpProtocol",
        lifespan="on",
        ws="pluseboard.sockets.protocol:Protocol",
        ws_max_size=65536,
        ws_per_message_deflate=False,
        ws_ping_interval=18,  # with the time-out: a peer that vanished is gone within 40 s
        ws_ping_timeout=20,
        proxy_headers=True,
        forwarded_allow_ips=settings.forwarded_allow_ips,
        timeout_keep_alive=65,  # longer than the proxies in front keep idle connections, so that they close first
        timeout_graceful_shutdown=GRACE_SECONDS,
        backlog=BACKLOG,
        access_log=False,
        server_header=False,
        date_header=True,
        log_config=None,
    )


def _listen(host: str, port: int) -> socket.socket:
    """Bound and listening here, before anything starts: an address in use is then one line, not a traceback in every worker."""
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except (OSError, OverflowError) as error:
        listener.close()
        raise ServerError(f"Cannot listen on HOST {host}, PORT {port}: {getattr(error, 'strerror', None) or error}") from None
    listener.set_inheritable(True)
    return listener


class _Workers(Multiprocess):
    def join_all(self) -> None:
        """Wait for the workers to end, but not for ever."""
        deadline = time.monotonic() + GRACE_SECONDS + STUCK_SECONDS
        for worker in self.processes:
            worker.process.join(max(0.0, deadline - time.monotonic()))
            if worker.process.is_alive():
                logger.error("Worker %d is stuck: killed", worker.pid)
                worker.process.kill()
                worker.process.join()


class _Alone(Server):
    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        try:
            async with asyncio.timeout(GRACE_SECONDS + STUCK_SECONDS):
                await super().shutdown(sockets)
        except TimeoutError:
            logger.error("The application's shutdown is stuck: left behind")


def _serve_workers(config: Config, listener: socket.socket) -> bool:
    """Whether they started."""
    workers = _Workers(config, sockets=[listener])
    workers.run()
    return all(worker.exitcode != STARTUP_FAILURE for worker in workers.processes)


def _serve_alone(config: Config, listener: socket.socket) -> bool:
    """Whether it started."""
    try:
        _Alone(config).run(sockets=[listener])
    except KeyboardInterrupt:
        pass
    except SystemExit as error:
        return error.code != STARTUP_FAILURE
    return True


def _end_with_parent() -> None:
    """A worker whose parent was killed would keep the port for ever, and nobody would wait for its end."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        watch = parent

        def wait() -> None:
            watch.join()
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(GRACE_SECONDS + STUCK_SECONDS)
            os._exit(1)

        threading.Thread(target=wait, daemon=True).start()


def _leave(signum: int, frame: FrameType | None) -> None:
    """uvicorn raises the signal again when it has shut down: an orderly end is exit 0."""
    sys.exit(0)
