"""Imports go down only, and each library has one home: read from the source, so that a convenient shortcut fails here."""

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent.parent / "src" / "pluseboard"
MODULES = sorted(SOURCE.rglob("*.py"))

# What a layer may import of ours, beside the shared modules at the foot.
LAYERS = {
    "handlers": {"actions", "repositories", "services", "http", "mail", "openapi", "reference", "markup", "shared"},
    "sockets": {"actions", "repositories", "services", "realtime", "sockets", "presence", "shared"},
    "actions": {"actions", "repositories", "services", "realtime", "mail", "passwords", "shared"},
    "realtime": {"realtime", "repositories", "shared"},
    "repositories": {"repositories", "database", "schemas"},
}
SHARED = {
    "auth",
    "callers",
    "clock",
    "crowds",
    "database",
    "decoding",
    "errors",
    "fields",
    "headers",
    "schemas",
    "redis_client",
    "settings",
    "tasks",
    "tokens",
    "origins",
}
# Who may know a library.
HOMES = {
    "aiomysql": {"database.py"},
    "pymysql": {"database.py", "migrate.py", "backup.py"},
    "broadcaster": {"realtime/bus.py", "realtime/hub.py"},
    "redis": {"redis_client.py", "realtime/bus.py", "realtime/publisher.py"},
    "yoyo": {"migrate.py"},
    "aiosmtplib": {"mail.py"},
    "jwt": {"tokens.py"},
    "limits": {"rate_limits.py"},
    "argon2": {"passwords.py"},
}


def imported(module: Path) -> set[str]:
    """Dotted names that a module imports."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(module.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return names


def test_there_is_something_to_read() -> None:
    assert len(MODULES) > 40
    assert any("aiomysql" in name for name in imported(SOURCE / "database.py"))


@pytest.mark.parametrize("module", MODULES, ids=lambda module: str(module.relative_to(SOURCE)))
def test_imports_go_down_only(module: Path) -> None:
    layer = module.relative_to(SOURCE).parts[0]
    if layer not in LAYERS:
        return
    allowed = LAYERS[layer] | (SHARED if "shared" in LAYERS[layer] else set())
    for name in imported(module):
        if name.startswith("pluseboard."):
            target = name.split(".")[1]
            assert target in allowed, f"{layer} imports {name}"


@pytest.mark.parametrize("module", MODULES, ids=lambda module: str(module.relative_to(SOURCE)))
def test_each_library_has_one_home(module: Path) -> None:
    where = str(module.relative_to(SOURCE))
    for name in imported(module):
        library = name.split(".")[0]
        if library in HOMES:
            assert where in HOMES[library], f"{where} imports {library}"


def test_only_settings_reads_the_environment() -> None:
    for module in MODULES:
        if module.name not in ("settings.py", "devserver.py", "private_servers.py", "server.py"):
            assert "os.environ" not in module.read_text("utf-8"), f"{module.name} reads the environment"


@pytest.mark.parametrize("module", MODULES, ids=lambda module: str(module.relative_to(SOURCE)))
def test_a_module_stays_short(module: Path) -> None:
    lines = module.read_text("utf-8").count("\n")
    limit = 400
    assert lines <= limit, f"{module.name} has {lines} lines: which second thing moved in?"
