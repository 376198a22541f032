"""Every statement that the program runs stands in sql/, has a name that the slow log shows, and is used."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pluseboard.database import load_queries
from tests.servers import Database

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "pluseboard"
FILES = sorted((ROOT / "sql").glob("*.sql"))
MIGRATIONS = sorted((ROOT / "migrations").glob("*.sql"))
SQL = re.compile(
    r"\s*(/\*.*?\*/)?\s*(SELECT|INSERT|REPLACE|UPDATE|DELETE|CREATE|ALTER|DROP|SET|EXPLAIN|CALL|LOCK|KILL|SHOW)\s", re.S
)
# Sessions are set up in database.py; migrate.py keeps yoyo's own tables, whose names are constants; private_servers.py makes a
# database and its user; health.py asks for 1; backup.py and restore.py go by the tables that they find.
MAY_HOLD_SQL = {"database.py", "migrate.py", "private_servers.py", "health.py", "backup.py", "restore.py"}
NEWER = {
    "a common table expression": r"\bWITH\s+(RECURSIVE\s+)?\w+\s*(\([^)]*\)\s*)?AS\s*\(",
    "a window function": r"\bOVER\s*\(",
    "RETURNING": r"\bRETURNING\b",
    "SKIP LOCKED or NOWAIT": r"\b(SKIP\s+LOCKED|NOWAIT)\b",
    "a row alias": r"\)\s+AS\s+\w+\s+ON\s+DUPLICATE",
    "LATERAL": r"\bLATERAL\b",
    "JSON_TABLE": r"\bJSON_TABLE\b",
    "a JSON arrow": r"->>?",
    "EXCEPT or INTERSECT": r"\b(EXCEPT|INTERSECT)\b",
    "FOR SHARE": r"\bFOR\s+SHARE\b",
    "a default that is an expression": r"\bDEFAULT\s*\(",
    "a CHECK, which MySQL 5.7 ignores": r"\bCHECK\s*\(",
    "a functional or descending key": r"\bKEY\s+\w+\s*\((\s*\(|[^)]*\bDESC\b)",
    "an invisible key": r"\b(INVISIBLE|IGNORED)\b",
    "a collation of one server": r"utf8mb4_(0900|uca1400)\w*",
}


def statements(stem: str) -> dict[str, str]:
    return vars(load_queries(stem))


def code(path: Path) -> str:
    """Without comments."""
    return re.sub(r"^\s*--.*$", "", path.read_text("utf-8"), flags=re.M)


def test_there_is_something_to_read() -> None:
    assert len(FILES) > 10
    assert len(MIGRATIONS) > 40
    assert sum(len(statements(path.stem)) for path in FILES) > 100


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_statement_shows_its_name_in_the_slow_log(path: Path) -> None:
    for name, sql in statements(path.stem).items():
        assert sql.startswith(f"/* {path.stem}.{name} */ ")
        assert SQL.match(sql), sql
        assert ";" not in sql, f"{name} is more than one statement"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_statement_says_what_it_is_for(path: Path) -> None:
    parts = re.split(r"^-- name: *(\w+)\n", path.read_text("utf-8"), flags=re.M)
    assert parts[0].strip() == "", "nothing stands before the first statement"
    for name, body in zip(parts[1::2], parts[2::2], strict=True):
        assert re.match(r"-- \S.{3,}", body), f"{path.stem}.{name} has no line that says what it is for"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_repository_of_the_same_name_uses_every_statement(path: Path) -> None:
    tree = ast.parse((SOURCE / "repositories" / f"{path.stem}.py").read_text("utf-8"))
    used = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute) and _is_name(node.value, "_q")}
    assert used == set(statements(path.stem))


def test_a_repository_loads_the_statements_of_its_own_file() -> None:
    for module in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(module.read_text("utf-8"))):
            if isinstance(node, ast.Call) and _is_name(node.func, "load_queries"):
                assert module.parent.name == "repositories"
                assert ast.literal_eval(node.args[0]) == module.stem


@pytest.mark.parametrize("path", [*FILES, *MIGRATIONS], ids=lambda path: path.name)
def test_statements_stay_within_what_mysql_5_7_and_mariadb_10_6_know(path: Path) -> None:
    found = [what for what, pattern in NEWER.items() if re.search(pattern, code(path), re.I)]
    assert not found, f"{path.name} uses {', '.join(found)}"


def test_what_is_too_new_would_be_found() -> None:
    too_new = """WITH x AS (SELECT 1); SELECT RANK() OVER (ORDER BY id); DELETE FROM x RETURNING id; FOR UPDATE SKIP LOCKED;
        FOR SHARE; VALUES (1) AS new ON DUPLICATE KEY UPDATE; JOIN LATERAL; JSON_TABLE; a ->> '$'; EXCEPT; DEFAULT (UUID());
        CHECK (a > 0); KEY k ((a + 1)); INVISIBLE; COLLATE utf8mb4_0900_ai_ci"""
    assert [what for what, pattern in NEWER.items() if not re.search(pattern, too_new, re.I)] == []


# --- no SQL is built by formatting --------------------------------------------------------------------------------


@pytest.mark.parametrize("module", sorted(SOURCE.rglob("*.py")), ids=lambda path: str(path.relative_to(SOURCE)))
def test_no_sql_is_built_by_formatting(module: Path) -> None:
    found = list(faults(module.read_text("utf-8"), module.name))
    assert not found, f"{module.relative_to(SOURCE)}: {found}"


@pytest.mark.parametrize(
    "line",
    [
        'db.all(f"SELECT id FROM users WHERE email = {email}")',
        'db.all("SELECT id FROM users WHERE id = %s" % user)',
        'db.all("SELECT id FROM users WHERE id = {}".format(user))',
        'db.all("SELECT id FROM users WHERE name = " + name)',
        'db.all("SELECT id FROM users")',
        "db.all(_q.page + order)",
        'db.all(f"{_q.page} LIMIT {limit}")',
        "db.all(_q.page % sort)",
        "db.all(_q.page.format(sort))",
        'db.all(_q.page.replace("ASC", sort))',
        'db.all(" ".join([_q.page, sort]))',
        "cursor.execute(query, args)",
    ],
)
def test_sql_built_by_formatting_would_be_found(line: str) -> None:
    assert list(faults(line, "messages.py")) != []


def faults(source: str, file: str) -> Iterator[str]:
    """SQL outside sql/, statements that are put together, and cursors used outside database.py."""
    for node in ast.walk(ast.parse(source)):
        where = f"line {getattr(node, 'lineno', 0)}"
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and SQL.match(node.value) and file not in MAY_HOLD_SQL:
            yield f"{where}: SQL belongs into sql/"
        if isinstance(node, ast.BinOp | ast.JoinedStr | ast.Call) and any(map(_is_statement, _parts(node))):
            yield f"{where}: a statement is changed"
        if _is_method(node, "execute", "executemany") and node.args and file not in MAY_HOLD_SQL:
            yield f"{where}: a cursor is used outside database.py"


def _parts(node: Any) -> list[Any]:
    """What is put together: operands, pieces of an f-string, the text of .format() or .replace(), the list of .join()."""
    if isinstance(node, ast.BinOp):
        return [node.left, node.right]
    if isinstance(node, ast.JoinedStr):
        return [piece.value for piece in node.values if isinstance(piece, ast.FormattedValue)]
    if not _is_method(node, "format", "format_map", "replace", "join"):
        return []
    lists = [item for argument in node.args if isinstance(argument, ast.List | ast.Tuple) for item in argument.elts]
    return [node.func.value, *node.args, *lists]


def _is_method(node: Any, *names: str) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in names


def _is_statement(node: Any) -> bool:
    return isinstance(node, ast.Attribute) and _is_name(node.value, "_q")


def _is_name(node: Any, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


# --- the schema ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [path for path in MIGRATIONS if "rollback" not in path.name], ids=lambda path: path.stem)
def test_a_migration_says_what_it_is_for_is_one_statement_and_can_be_undone(path: Path) -> None:
    lines = [line for line in path.read_text("utf-8").splitlines() if not line.startswith("-- depends:")]
    assert re.match(r"-- \w", lines[0])
    assert ";" not in code(path).rstrip().rstrip(";")
    assert ";" not in code(path.with_suffix(".rollback.sql")).rstrip().rstrip(";")


async def test_every_key_fits_into_mysql_5_7(database: Database) -> None:
    keys = await database.query(
        """SELECT s.table_name AS t, s.index_name AS k, SUM(COALESCE(c.character_octet_length, 8)) AS bytes
        FROM information_schema.statistics s JOIN information_schema.columns c ON c.table_schema = s.table_schema
        AND c.table_name = s.table_name AND c.column_name = s.column_name WHERE s.table_schema = DATABASE()
        GROUP BY s.table_name, s.index_name"""
    )
    assert len(keys) > 50
    assert [key for key in keys if key["bytes"] > 3072] == []


async def test_tables_are_utf8mb4_and_every_reference_is_a_foreign_key(database: Database) -> None:
    tables = await database.query(
        """SELECT table_name AS t, engine AS e, table_collation AS c FROM information_schema.tables
        WHERE table_schema = DATABASE() AND table_type = 'BASE TABLE' AND table_name NOT LIKE '%yoyo%'"""
    )
    assert len(tables) >= 21
    assert {(table["e"], table["c"]) for table in tables} == {("InnoDB", "utf8mb4_unicode_ci")}
    keys = await database.query(
        """SELECT table_name AS t, column_name AS c FROM information_schema.key_column_usage
        WHERE table_schema = DATABASE() AND referenced_table_name IS NOT NULL"""
    )
    users = await database.query(
        """SELECT table_name AS t, column_name AS c FROM information_schema.columns WHERE table_schema = DATABASE()
        AND column_name IN ('user_id', 'sender_id', 'actor_id', 'created_by', 'invited_by')
        AND table_name NOT IN ('access_changes', 'audit_log', 'message_rows')"""
    )
    assert len(users) > 10
    assert [column for column in users if column not in keys] == []


def test_the_documentation_lists_every_table_and_every_file() -> None:
    made = re.findall(r"CREATE (?:TABLE|.*VIEW) (\w+)", "\n".join(code(path) for path in MIGRATIONS))
    listed = re.findall(r"^\| `(\w+)` \|", (ROOT / "docs" / "database.md").read_text("utf-8"), flags=re.M)
    assert len(made) > 20
    assert set(made) <= set(listed)
    assert [path.name for path in FILES] == re.findall(
        r"^\| \[(\w+\.sql)\]", (ROOT / "sql" / "README.md").read_text("utf-8"), flags=re.M
    )
