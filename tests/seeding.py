"""A database of realistic size, filled in a few seconds by the server itself, for tests of how statements read it."""

from pathlib import Path

import aiomysql

from tests.servers import Database

QUICKLY = "SET sql_notes = 0, foreign_key_checks = 0, unique_checks = 0"
STATEMENTS = Path(__file__).with_suffix(".sql")


async def seed(database: Database) -> None:
    """Runs seeding.sql on a migrated database."""
    place = {"host": database.host, "port": database.port, "user": database.user, "password": database.password}
    connection = await aiomysql.connect(**place, db=database.name, autocommit=False, init_command=QUICKLY)
    try:
        async with connection.cursor() as cursor:
            for statement in STATEMENTS.read_text("utf-8").rstrip().rstrip(";").split(";\n"):
                await cursor.execute(statement)
            await connection.commit()
            await cursor.execute("SELECT COUNT(*) FROM messages WHERE channel_id = 1")
            assert await cursor.fetchone() == (98_000,)
            await cursor.execute("SHOW FULL TABLES WHERE table_type = 'BASE TABLE'")
            tables = [row[0] for row in await cursor.fetchall()]
            await cursor.execute(f"ANALYZE TABLE {', '.join(tables)}")  # or the optimizer would take them for small
    finally:
        await connection.ensure_closed()
