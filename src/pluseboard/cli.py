"""The `pluseboard` command. Each command imports what it needs, so that none waits for the others' modules."""

import argparse
import asyncio
import sys
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import get_args

from pluseboard import __version__
from pluseboard.settings import Settings, SettingsError, load_settings

Command = Callable[[argparse.Namespace], int]


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; its exit status. What the user can put right is one line on stderr, never a traceback."""
    args = _parser().parse_args(argv)
    run: Command = args.run
    try:
        return run(args)
    except KeyboardInterrupt:
        return 130
    except Exception as error:
        if not isinstance(error, _explained()):
            raise
        print(f"pluseboard: {error}", file=sys.stderr)
        return 1


def _explained() -> tuple[type[Exception], ...]:
    """The errors whose message says what to do."""
    from pluseboard.backup import BackupError
    from pluseboard.errors import ApiError
    from pluseboard.migrate import MigrationError
    from pluseboard.server import ServerError

    return SettingsError, MigrationError, BackupError, ServerError, ApiError


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="pluseboard", description="A collaborative workspace backend.")
    parser.add_argument("--version", action="version", version=f"pluseboard {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, run: Command, help: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=help, description=help)
        added.set_defaults(run=run)
        return added

    dev = command("dev", _dev, "set up what is missing on this machine, migrate and serve")
    dev.add_argument("--port", type=int, help="instead of PORT, or 8000")
    command("serve", _serve, "serve on PORT with WEB_CONCURRENCY processes")
    command("migrate", _migrate, "apply the migrations that are not applied yet")
    undo = command("rollback", _rollback, "undo the newest migrations")
    undo.add_argument("--count", type=_positive, default=1, help="how many (1)")
    command("break-lock", _break_lock, "end a migration that hangs, or clean up after a killed yoyo command")
    command("recount", _recount, "count the messages of each day again from the messages themselves")
    audit = command("audit", _audit, "print the audit log, the oldest record first")
    audit.add_argument("--user", metavar="EMAIL", default="", help="what this person did")
    audit.add_argument("--workspace", metavar="ID", type=_positive, default=0, help="what happened in this workspace")
    audit.add_argument("--action", default="", help="one kind of record, such as member_role_changed")
    audit.add_argument("--since", type=_time, metavar="TIME", help="from then on, in UTC: 2025-01-15 or 2025-01-15T10:30:00")
    audit.add_argument("--json", action="store_true", help="an object a line, with the user agent")
    command("purge", _purge, "remove for good what was deleted or has expired")
    save = command("backup", _backup, "write every row into a file, or to stdout for -, while the servers go on")
    save.add_argument("target", metavar="FILE", help="gzip of plain SQL, such as pluseboard.sql.gz")
    load = command("restore", _restore, "fill an empty database from a backup, all or nothing")
    load.add_argument("source", metavar="FILE", help="what pluseboard backup wrote, or - for stdin")
    load.add_argument("--replace", action="store_true", help="empty a database that has rows first; stop the servers before")
    demo = command("demo", _demo, "fill a running server with a believable workspace")
    demo.add_argument("--url", default="http://localhost:8000", help="where it runs (http://localhost:8000)")
    return parser


def _positive(raw: str) -> int:
    if not (raw.isdecimal() and int(raw) > 0):
        raise argparse.ArgumentTypeError("must be a whole number, 1 or more")
    return int(raw)


def _time(raw: str) -> str:
    try:
        return datetime.fromisoformat(raw).strftime("%Y-%m-%dT%H:%M:%S")
    except ValueError:
        raise argparse.ArgumentTypeError("must be a time such as 2025-01-15 or 2025-01-15T10:30:00") from None


def _settings() -> Settings:
    from pluseboard import logs

    settings = load_settings()
    logs.configure(settings)
    return settings


def _dev(args: argparse.Namespace) -> int:
    from pluseboard.devserver import run_dev

    return run_dev(args.port)


def _serve(args: argparse.Namespace) -> int:
    settings = _settings()
    from pluseboard.migrate import MigrationError, pending
    from pluseboard.server import serve

    if waiting := pending(settings):
        raise MigrationError(f"The database lacks {len(waiting)} migrations, from {waiting[0]} on: run pluseboard migrate")
    serve(settings)
    return 0


def _migrate(args: argparse.Namespace) -> int:
    settings = _settings()
    from pluseboard.migrate import migrate

    count = migrate(settings)
    print(f"{count} applied" if count else "Nothing to apply: the database is up to date")
    return 0


def _rollback(args: argparse.Namespace) -> int:
    settings = _settings()
    from pluseboard.migrate import rollback

    print(f"{rollback(settings, args.count)} rolled back")
    return 0


def _break_lock(args: argparse.Namespace) -> int:
    settings = _settings()
    from pluseboard.migrate import break_lock

    break_lock(settings)
    return 0


def _recount(args: argparse.Namespace) -> int:
    settings = _settings()
    from pluseboard.actions import maintenance

    print(f"{asyncio.run(maintenance.recount(settings))} workspaces recounted")
    return 0


def _audit(args: argparse.Namespace) -> int:
    settings = _settings()
    from pluseboard.actions import audit
    from pluseboard.actions.auditing import Action

    if args.action and args.action not in get_args(Action):
        raise SettingsError(f"--action must be one of {', '.join(get_args(Action))}")

    async def show() -> None:
        since = {"since": args.since} if args.since else {}
        async for record in audit.everything(settings, **since, workspace_id=args.workspace, email=args.user, action=args.action):
            print(audit.as_json(record) if args.json else audit.as_line(record))

    asyncio.run(show())
    return 0


def _purge(args: argparse.Namespace) -> int:
    settings = _settings()
    from pluseboard.actions import maintenance

    print(f"{asyncio.run(maintenance.purge(settings))} deleted workspaces removed")
    return 0


def _backup(args: argparse.Namespace) -> int:
    settings = _settings()
    from pluseboard.backup import backup

    backup(settings, args.target)
    return 0


def _restore(args: argparse.Namespace) -> int:
    settings = _settings()
    from pluseboard.restore import restore

    restore(settings, args.source, args.replace)
    return 0


def _demo(args: argparse.Namespace) -> int:
    from pluseboard.demo import run_demo

    return run_demo(args.url)
