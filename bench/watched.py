"""`pluseboard serve` that writes its number of asyncio tasks into the file WATCHED whenever it gets SIGUSR1: for the soak."""

import asyncio
import os
import signal
import sys
from pathlib import Path

from starlette.applications import Starlette

from pluseboard import cli, server

build = server.application


def application() -> Starlette:
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGUSR1, lambda: Path(os.environ["WATCHED"]).write_text(str(len(asyncio.all_tasks(loop)))))
    return build()


if __name__ == "__main__":
    server.application = application
    sys.exit(cli.main(["serve"]))
