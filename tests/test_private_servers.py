"""Private servers keep their data and their port; `pluseboard dev` ends what it started."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pymysql
import pytest

from pluseboard.private_servers import PORTS, PrivateMariaDB, PrivateRedis, PrivateServerError, first_byte, free_port


def ask(database: PrivateMariaDB, sql: str) -> list[tuple[object, ...]]:
    place = {"host": database.host, "port": database.port, "database": database.database}
    with pymysql.connect(**place, user=database.user, password=database.password, autocommit=True) as connection:
        cursor = connection.cursor()
        cursor.execute(sql)
        return list(cursor.fetchall())


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivateMariaDB]:
    # A folder whose name has a space, and is too long for a socket.
    with PrivateMariaDB(tmp_path_factory.mktemp("a folder " + "x" * 100) / "mariadb") as server:
        yield server


def test_an_acknowledged_row_survives_sigkill_and_the_port_stays(database: PrivateMariaDB) -> None:
    ask(database, "CREATE TABLE kept (word VARCHAR(20))")
    ask(database, "INSERT INTO kept VALUES ('çédille 🎉')")
    port = database.port
    database.kill()
    with pytest.raises(pymysql.OperationalError):
        ask(database, "SELECT 1")
    again = PrivateMariaDB(database.folder)
    try:
        again.start()
        assert again.port == port
        assert ask(again, "SELECT word FROM kept") == [("çédille 🎉",)]
    finally:
        again.stop()
        database.start()


def test_the_database_is_durable_and_speaks_utf8_and_utc(database: PrivateMariaDB) -> None:
    settings = "@@innodb_flush_log_at_trx_commit, @@collation_database, @@time_zone"
    assert ask(database, f"SELECT {settings}") == [(1, "utf8mb4_unicode_ci", "+00:00")]


def test_only_this_machine_can_reach_it_on_a_port_that_no_client_is_given(database: PrivateMariaDB) -> None:
    assert ask(database, "SELECT @@bind_address") == [("127.0.0.1",)]
    assert database.port in PORTS
    assert max(PORTS) < 32768


def test_its_password_is_for_its_owner_alone(database: PrivateMariaDB) -> None:
    for file in (database.folder / "password", database.data / "init.sql"):
        assert file.read_text()
        assert file.stat().st_mode & 0o077 == 0


def test_of_two_parents_the_second_is_refused(database: PrivateMariaDB) -> None:
    with pytest.raises(PrivateServerError, match="in use"):
        PrivateMariaDB(database.folder).start()
    assert ask(database, "SELECT 1") == [(1,)]


def test_a_server_ends_with_its_parent_and_the_next_one_takes_over(tmp_path: Path) -> None:
    orphan = """if True:
        import os, sys
        from pathlib import Path
        from pluseboard.private_servers import PrivateRedis
        PrivateRedis(Path(sys.argv[1])).start()
        os.kill(os.getpid(), 9)
    """
    subprocess.run([sys.executable, "-c", orphan, tmp_path], check=False)
    port = int((tmp_path / "port").read_text())
    with PrivateRedis(tmp_path) as redis:
        assert redis.port == port


def test_redis_answers_and_comes_back_after_sigkill(tmp_path: Path) -> None:
    with PrivateRedis(tmp_path / "redis") as redis:
        port = redis.port
        assert port in PORTS
        assert first_byte((redis.host, port), b"PING\r\n") == b"+"
        redis.kill()
        assert first_byte((redis.host, port), b"PING\r\n") is None
        redis.start()
        assert redis.port == port
        assert first_byte((redis.host, port), b"PING\r\n") == b"+"


def test_a_server_that_cannot_start_says_why(tmp_path: Path, database: PrivateMariaDB) -> None:
    with pytest.raises(PrivateServerError, match="did not start"):
        PrivateRedis(tmp_path, port=database.port).start()


# --- pluseboard dev -----------------------------------------------------------------------------------------------


class Dev:
    """`pluseboard dev` in a folder of its own."""

    def __init__(self, folder: Path, port: int, **settings: str) -> None:
        env = {"PATH": os.environ["PATH"], **settings}
        command = [sys.executable, "-m", "pluseboard", "dev", "--port", str(port)]
        self.folder = folder
        self.url = f"http://127.0.0.1:{port}"
        self.log = folder / "dev.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(command, cwd=folder, env=env, stdout=log, stderr=log)

    def __enter__(self) -> "Dev":
        deadline = time.monotonic() + 30
        while "is ready" not in self.log.read_text():
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.05)
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait()

    def end(self, number: int) -> int:
        self.process.send_signal(number)
        return self.process.wait(20)

    def servers(self) -> list[str]:
        """The processes that work in its folder, whoever is their parent now."""
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            try:
                if Path(os.readlink(process / "cwd")).is_relative_to(self.folder):
                    found.append((process / "cmdline").read_text())
            except OSError:
                continue
        return [command for command in found if command]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_dev_ends_every_child_and_a_second_run_is_quick_and_signs_nobody_out(tmp_path: Path, number: int) -> None:
    with Dev(tmp_path, free_port()) as dev:
        assert f"{dev.url.replace('127.0.0.1', 'localhost')}/dev/mailbox" in dev.log.read_text()
        assert httpx.get(f"{dev.url}/livez").status_code == 200
        assert len(dev.servers()) >= 3
        secrets = (tmp_path / ".local" / "secrets.env").read_text()
        assert dev.end(number) == 0
        assert dev.servers() == []
        assert "Traceback" not in dev.log.read_text()
    began = time.monotonic()
    with Dev(tmp_path, free_port()) as dev:
        assert time.monotonic() - began < 5
        assert "up to date" in dev.log.read_text()
        assert (tmp_path / ".local" / "secrets.env").read_text() == secrets


def test_dev_says_that_its_port_is_in_use(tmp_path: Path, database: PrivateMariaDB) -> None:
    dev = Dev(tmp_path, database.port)
    assert dev.process.wait(20) == 1
    assert f"port {database.port} is in use" in dev.log.read_text()


def test_dev_starts_no_database_where_one_is_configured(tmp_path: Path, database: PrivateMariaDB) -> None:
    with Dev(tmp_path, free_port(), **database.environment):
        assert not (tmp_path / ".local" / "mariadb").exists()
    assert ask(database, "SHOW TABLES LIKE 'users'")
