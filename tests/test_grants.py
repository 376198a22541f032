"""What docs/database.md tells an administrator to type works: the grants are enough, and no more than that."""

import re
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pymysql
import pytest

from pluseboard.database import Database as Pool
from pluseboard.repositories import users
from pluseboard.settings import load_settings
from tests.conftest import WORKER, Person
from tests.servers import Database, ServerProcess, run_command

DOCS = Path(__file__).parent.parent / "docs" / "database.md"
DENIED = {1044, 1142, 1227}


def documented(heading: str) -> list[str]:
    """The SQL statements below a heading."""
    part = DOCS.read_text("utf-8").split(f"\n## {heading}\n")[1].split("\n## ")[0]
    return [
        statement.strip()
        for block in re.findall(r"^```sql\n(.*?)^```$", part, flags=re.M | re.S)
        for statement in block.split(";\n")
        if statement.strip()
    ]


@pytest.fixture
async def made(database: Database) -> Any:
    """Runs the documented statements for an empty database of the test's own; the database as the two users see it."""
    suffix, passwords = f"{WORKER}_{secrets.token_hex(3)}", (secrets.token_hex(12), secrets.token_hex(12))
    empty = replace(database, name=f"test_grants_{suffix}")
    await empty.create()
    for statement in documented("Users and grants"):
        statement = statement.replace("'pluseboard_migrate'", f"'migrate_{suffix}'").replace("'pluseboard'", f"'app_{suffix}'")
        statement = statement.replace("pluseboard.*", f"{empty.name}.*")
        statement = statement.replace("'a password'", f"'{passwords[0]}'").replace("'another password'", f"'{passwords[1]}'")
        await database.query(statement)
    yield (
        replace(empty, user=f"app_{suffix}", password=passwords[0]),
        replace(empty, user=f"migrate_{suffix}", password=passwords[1]),
    )
    await database.query(f"DROP DATABASE {empty.name}")
    for user in (f"app_{suffix}", f"migrate_{suffix}"):
        await database.query(f"DROP USER {user}@'%'")


async def test_one_user_migrates_and_the_other_serves(
    made: tuple[Database, Database],
    settings_env: Callable[..., dict[str, str]],
    start_server: Callable[..., Awaitable[ServerProcess]],
    person: Callable[..., Awaitable[Person]],
    tmp_path: Path,
) -> None:
    app, migrating = made

    async def command(user: Database, *arguments: str) -> str:
        done = await run_command(settings_env(**user.environment), tmp_path, *arguments)
        assert done.returncode == 0, done.stdout
        return done.stdout

    await command(migrating, "migrate")
    await command(migrating, "rollback", "--count", "3")
    await command(migrating, "migrate")
    await command(migrating, "break-lock")

    server = await start_server(database=app)
    ann, bob = await person("ann", server=server), await person("bob", server=server)

    async def ask(someone: Person, method: str, path: str, **body: Any) -> Any:
        response = await someone.http.request(method, path, json=body or None)
        assert response.is_success, response.text
        return response.json()

    workspace = (await ask(ann, "POST", "/api/workspaces/", name="Team"))["workspace_id"]
    channel = (await ask(ann, "POST", "/api/channels/", workspace_id=workspace, name="general"))["channel_id"]
    await ask(ann, "POST", f"/api/workspaces/{workspace}/members/", email=bob.email)
    async with bob.socket("/ws/chat/") as socket:
        await socket.send({"type": "join_channel", "channel_id": channel})
        sent = await ask(ann, "POST", "/api/messages/", channel_id=channel, body=f"Hello @{bob.username}")
        assert (await socket.expect("new_message"))["seq"] == sent["seq"]
    await ask(ann, "PATCH", f"/api/messages/{sent['message_id']}/", body="Hello")
    await ask(ann, "DELETE", f"/api/messages/{sent['message_id']}/")
    assert len((await ask(bob, "GET", f"/api/messages/?channel_id={channel}"))["data"]) == 1
    assert (await ask(bob, "GET", "/api/notifications/"))["data"]
    await ask(ann, "DELETE", f"/api/workspaces/{workspace}/")
    assert "1 deleted workspaces removed" in await command(app, "purge")
    await command(app, "recount")


async def test_the_serving_user_can_change_no_table_and_see_no_other_database(
    made: tuple[Database, Database], settings_env: Callable[..., dict[str, str]], tmp_path: Path
) -> None:
    app, migrating = made
    assert (await run_command(settings_env(**app.environment), tmp_path, "migrate")).returncode == 1
    done = await run_command(settings_env(**migrating.environment), tmp_path, "migrate")
    assert done.returncode == 0, done.stdout
    assert await app.query("SELECT id FROM users") == []
    for user, statements in {
        app: ["DROP TABLE messages", "ALTER TABLE users ADD x INT", "CREATE TABLE x (x INT)", "CREATE VIEW x AS SELECT 1"],
        migrating: ["CREATE PROCEDURE x() SELECT 1", "CREATE DATABASE test_grants_other"],
    }.items():
        for statement in [*statements, "SELECT * FROM mysql.user", "CREATE USER x", "SET GLOBAL max_connections = 5"]:
            with pytest.raises(pymysql.MySQLError) as refused:
                await user.query(statement)
            assert refused.value.args[0] in DENIED, (statement, refused.value)


async def test_a_slow_statement_is_found_by_its_name(database: Database) -> None:
    enable, *_ = documented("Finding slow statements")
    email = f"{secrets.token_hex(8)}@example.com"
    try:
        await database.query(enable.replace("0.1", "0") + ", GLOBAL log_output = 'TABLE'")
        secret = {"DEBUG": "True", "JWT_SECRET_KEY": "j" * 32, "SECRET_KEY": "s" * 32}
        pool = Pool(load_settings({**database.environment, **secret}))
        await pool.connect()
        await users.id_by_email(pool, email)
        await pool.close()
    finally:
        await database.query("SET GLOBAL slow_query_log = OFF, GLOBAL long_query_time = 10, GLOBAL log_output = 'FILE'")
    [row] = await database.query(
        "SELECT CONVERT(sql_text USING utf8mb4) AS s FROM mysql.slow_log WHERE sql_text LIKE %s", (f"%{email}%",)
    )
    assert re.match(r"/\* users\.by_email \*/ SELECT ", row["s"])


async def test_the_questions_of_an_administrator_can_be_asked(
    start_server: Callable[..., Awaitable[ServerProcess]], tmp_path: Path
) -> None:
    server = await start_server(own_database=True, EMAIL_HOST="")
    done = await run_command(server.env, tmp_path, "demo", "--url", server.url)
    assert done.returncode == 0, done.stdout
    busiest, _, _, incomplete = [await server.database.query(statement) for statement in documented("Looking around")]
    assert busiest[0]["name"] == "general"
    assert incomplete == []
    await server.database.query("DELETE FROM messages WHERE body = 'Deal.'")
    assert len(await server.database.query(documented("Looking around")[-1])) == 1
