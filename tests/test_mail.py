"""Mails leave in the background, once, while they are of use, and no code shows anywhere on the way."""

import asyncio
import contextlib
import itertools
import logging
import re
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from ipaddress import ip_address
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from starlette.requests import Request

from pluseboard import database as product
from pluseboard import mail as mails
from pluseboard.errors import NotFound
from pluseboard.handlers import dev
from pluseboard.mail import Mailer, invitation_mail, sign_in_mail
from pluseboard.private_servers import HOST, free_port
from pluseboard.repositories import outbox
from pluseboard.settings import Settings
from tests.conftest import WORKER
from tests.servers import Database, MailServer

CODE = "271828"
TEXT = f"Hello,\n\n    {CODE}\n\nSee you.\n"
numbers = itertools.count(1)


@pytest.fixture(scope="module")
async def outbox_database(make_database: Callable[[str], Awaitable[Database]]) -> Database:
    """Of these tests alone: servers of other tests would send what is in theirs."""
    return await make_database(f"test_{WORKER}_mail")


@pytest.fixture
async def settings(outbox_database: Database, mail: MailServer) -> Settings:
    await outbox_database.query("DELETE FROM mail_outbox")
    place = outbox_database
    return Settings(
        debug=True,
        db_host=place.host,
        db_port=place.port,
        db_user=place.user,
        db_password=place.password,
        db_name=place.name,
        secret_key="s" * 40,
        email_host=mail.host,
        email_port=mail.port,
        email_use_tls=False,
    )


@asynccontextmanager
async def sending(settings: Settings, run: bool = True) -> AsyncIterator[tuple[Mailer, product.Database]]:
    """A mailer at work, as app.py would have it."""
    database = product.Database(settings)
    await database.connect()
    mailer = Mailer(settings, database)
    task = asyncio.create_task(mailer.run() if run else asyncio.sleep(3600))
    try:
        yield mailer, database
        assert not task.done()
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        await database.close()


async def send(settings: Settings, recipient: str, subject: str = "Your code", text: str = TEXT, seconds: int = 300) -> None:
    """Write a mail into the outbox, and leave it to whichever mailer works."""
    async with sending(settings, run=False) as (mailer, database):
        await mailer.enqueue(database, recipient, subject, text, seconds)


async def until(condition: Callable[[], Awaitable[object] | object], timeout: float = 15) -> None:  # noqa: ASYNC109
    """Waits until it is true of what happens in another process, or in a log."""
    async with asyncio.timeout(timeout):
        while True:
            result = condition()
            if await result if isinstance(result, Awaitable) else result:
                return
            await asyncio.sleep(0.02)


async def emptied(database: Database) -> None:
    async def empty() -> bool:
        return not await database.query("SELECT 1 FROM mail_outbox")

    await until(empty)


def address() -> str:
    return f"alice.{next(numbers)}@mail.example.com"


class Picky:
    """An SMTP server of one test: it refuses some recipients for good, keeps what arrives raw, and may speak TLS."""

    def __init__(self, **options: Any) -> None:
        self.refused: set[str] = set()
        self.raw: list[bytes] = []
        self.mails: list[EmailMessage] = []
        self.port = free_port()
        self._options = options

    @asynccontextmanager
    async def running(self, implicit_tls: ssl.SSLContext | None = None) -> AsyncIterator["Picky"]:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: SMTP(self, loop=loop, **self._options), HOST, self.port, ssl=implicit_tls)
        yield self
        server.close()

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self.refused:
            return f"550 5.1.1 <{address}> is unknown here, and so is {CODE}"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        assert isinstance(envelope.original_content, bytes)
        self.raw.append(envelope.original_content)
        self.mails.append(message_from_bytes(envelope.original_content, policy=policy.default))
        return "250 OK"

    async def arrived(self, count: int = 1) -> EmailMessage:
        await until(lambda: len(self.mails) >= count)
        return self.mails[count - 1]


async def test_a_mail_arrives_as_it_was_written_and_leaves_nothing_behind(
    settings: Settings, mail: MailServer, outbox_database: Database
) -> None:
    to, subject, text = address(), "Žofie & 山田 🎉 lädt ein", f"Grüße, 你好 🎉\n.\n..\nFrom the start\n{'long ' * 400}\n{CODE}\n"
    async with sending(settings) as (mailer, database):
        await mailer.enqueue(database, to, subject, text, 300)
        mailer.wake()
        [message] = await mail.wait_for(to)
        await emptied(outbox_database)
    assert message.subject == subject
    assert message.text.replace("\r\n", "\n") == text


async def test_a_mail_without_anybody_waking_the_mailer_leaves_too(settings: Settings, mail: MailServer) -> None:
    to = address()
    async with sending(settings):
        await send(settings, to)
        await mail.wait_for(to)


async def test_the_mail_of_a_transaction_that_rolls_back_is_never_sent(settings: Settings, mail: MailServer) -> None:
    taken_back, kept = address(), address()
    async with sending(settings) as (mailer, database):

        async def fails(tx: product.Connection) -> None:
            await mailer.enqueue(tx, taken_back, "Your code", TEXT, 300)
            raise NotFound

        with pytest.raises(NotFound):
            await database.transaction(fails)
        await database.transaction(lambda tx: mailer.enqueue(tx, kept, "Your code", TEXT, 300))
        mailer.wake()
        await mail.wait_for(kept)
    assert mail.to(taken_back) == []


async def test_after_a_temporary_failure_the_mail_is_sent(
    settings: Settings, mail_restored: MailServer, caplog: pytest.LogCaptureFixture
) -> None:
    to = address()
    mail_restored.refuse()
    async with sending(settings) as (mailer, database):
        await mailer.enqueue(database, to, "Your code", TEXT, 300)
        mailer.wake()
        await _logged(caplog, "not sent at attempt 2")
        mail_restored.restore()
        await mail_restored.wait_for(to)
    _shows_no_secret(caplog, to)


async def test_a_recipient_refused_for_good_is_not_tried_again(
    settings: Settings, outbox_database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    to, other = address(), address()
    async with Picky().running() as server:
        server.refused.add(to)
        async with sending(replace(settings, email_port=server.port)) as (mailer, database):
            for recipient in (to, other):
                await mailer.enqueue(database, recipient, "Your code", TEXT, 300)
            mailer.wake()
            await server.arrived()
            await emptied(outbox_database)
    assert "refused for good (SMTPRecipientRefused 550 5.1.1)" in caplog.text
    _shows_no_secret(caplog, to)


async def test_a_silent_server_keeps_nobody_waiting_and_gets_the_mail_when_it_speaks_again(
    settings: Settings, mail_restored: MailServer, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mails, "SMTP_SECONDS", 0.5)
    to = [address() for _ in range(20)]
    mail_restored.silence()
    async with sending(settings) as (mailer, database):
        async with asyncio.timeout(1):
            for recipient in to:
                await mailer.enqueue(database, recipient, "Your code", TEXT, 300)
                mailer.wake()
        await _logged(caplog, "not sent at attempt 1")
        mail_restored.restore()
        for recipient in to:
            await mail_restored.wait_for(recipient, timeout=20)
    _shows_no_secret(caplog, *to)


async def test_a_mailer_that_is_cancelled_while_it_sends_ends_at_once_and_another_sends_the_mail(
    settings: Settings, mail_restored: MailServer, outbox_database: Database
) -> None:
    to = address()
    mail_restored.silence()
    async with sending(settings) as (mailer, database):
        await mailer.enqueue(database, to, "Your code", TEXT, 300)
        mailer.wake()
        await until(lambda: mail_restored._connections)
        started = asyncio.get_running_loop().time()
    assert asyncio.get_running_loop().time() - started < 1
    mail_restored.restore()
    await outbox_database.query("UPDATE mail_outbox SET claimed_until = UTC_TIMESTAMP() - INTERVAL 1 SECOND")
    async with sending(settings):
        await mail_restored.wait_for(to)


async def test_a_mail_that_is_of_no_use_any_more_is_not_sent(settings: Settings, mail: MailServer) -> None:
    late, useful = address(), address()
    await send(settings, late, seconds=0)
    await send(settings, useful)
    async with sending(settings):
        await mail.wait_for(useful)
        await asyncio.sleep(0.1)
    assert mail.to(late) == []


async def test_several_mailers_send_each_mail_once(settings: Settings, mail: MailServer, outbox_database: Database) -> None:
    to = [address() for _ in range(40)]
    for recipient in to:
        await send(settings, recipient)
    async with sending(settings), sending(settings), sending(settings):
        await emptied(outbox_database)
    assert [len(mail.to(recipient)) for recipient in to] == [1] * len(to)


async def test_a_mailer_survives_that_the_database_is_away(
    settings: Settings, mail: MailServer, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim = outbox.claim
    failures = iter([RuntimeError(f"something with {CODE} in it"), product.LostConnection()])

    async def fails_twice(db: product.Database, claimant: str) -> list[outbox.Sealed]:
        if (failure := next(failures, None)) is not None:
            raise failure
        return await claim(db, claimant)

    monkeypatch.setattr(outbox, "claim", fails_twice)
    to = address()
    async with sending(settings) as (mailer, database):
        await _logged(caplog, "The outbox cannot be read")
        await mailer.enqueue(database, to, "Your code", TEXT, 300)
        mailer.wake()
        await mail.wait_for(to)
    _shows_no_secret(caplog, to)


async def test_the_database_holds_nothing_that_can_be_read(settings: Settings, outbox_database: Database) -> None:
    await send(settings, address(), subject="Something private", text=TEXT)
    [row] = await outbox_database.query("SELECT * FROM mail_outbox")
    assert row["sealed"]
    assert CODE not in str(row)
    assert "private" not in str(row)


async def test_a_mail_sealed_with_another_key_or_led_to_another_address_is_dropped(
    settings: Settings, mail: MailServer, outbox_database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    thief, victim = address(), address()
    await send(settings, victim)
    await outbox_database.query("UPDATE mail_outbox SET recipient = %s", (thief,))
    await send(replace(settings, secret_key="t" * 40), victim)
    async with sending(settings):
        await emptied(outbox_database)
    assert caplog.text.count("dropped") == 2
    assert mail.to(thief) == mail.to(victim) == []


@pytest.mark.parametrize(
    "subject",
    [
        "Hi\r\nBcc: everybody@example.com\r\n\r\nBuy this",
        "Hi\nBcc: everybody@example.com",
        "Hi\rBcc: everybody@example.com",
        "Hi\u2028Bcc: everybody@example.com\x0b\x0c\x85\x1c\x00",
        "Grüße\r\n " + "Ж" * 90 + "\r\nBcc: everybody@example.com",
        "x" * 2000 + "\r\nBcc: everybody@example.com",
        "=?utf-8?q?Hi=0D=0ABcc:_everybody@example.com?=",
        "Grüße =?utf-8?Q?Hi=0D=0ABcc:_everybody@example.com?= =?x*de?B?DQpCY2M6IGV2ZXJ5Ym9keUBleGFtcGxlLmNvbQ0K?=",
        "=?ascii?q?=?ascii?q?=0D=0ABcc:_everybody@example.com?=?=",
        "=\r?utf-8?q?Hi=0D=0ABcc:_everybody@example.com?=",
        "lone \ud800 surrogate",
        "",
    ],
)
async def test_no_subject_makes_another_header(settings: Settings, subject: str) -> None:
    async with Picky().running() as server, sending(replace(settings, email_port=server.port)) as (mailer, database):
        await mailer.enqueue(database, address(), subject, TEXT, 300)
        mailer.wake()
        message = await server.arrived()
    assert message.keys().count("Subject") == 1
    assert {name.lower() for name in message} <= {
        *("from", "to", "subject", "date", "message-id", "auto-submitted"),
        *("mime-version", "content-type", "content-transfer-encoding"),
    }
    assert message.get_content().replace("\r\n", "\n") == TEXT
    header = server.raw[0].partition(b"\r\n\r\n")[0]
    assert all(re.match(rb"[A-Za-z-]+:|[ \t]", line) for line in header.split(b"\r\n"))
    assert max(map(len, server.raw[0].split(b"\r\n"))) <= 998


async def test_no_address_makes_another_header(settings: Settings) -> None:
    to = "=?utf-8?q?x=0D=0ABcc=3A_everybody?=@example.com"
    async with Picky().running() as server, sending(replace(settings, email_port=server.port)) as (mailer, database):
        await mailer.enqueue(database, to, "Your code", TEXT, 300)
        mailer.wake()
        message = await server.arrived()
    assert "Bcc" not in message
    assert b"everybody" not in server.raw[0]


def test_a_name_with_an_equals_and_a_question_mark_stays_as_it_is() -> None:
    assert invitation_mail("Ann", "2+2=?", "", "")[0] == "Ann invites you to 2+2=?"


async def test_a_retried_mail_can_be_recognised_and_the_headers_are_complete(
    settings: Settings, outbox_database: Database
) -> None:
    to = address()
    async with Picky().running() as server:
        changed = replace(
            settings, email_port=server.port, email_from="Das Büro <office@example.com>", public_url="https://chat.example.com"
        )
        await send(changed, to)
        await outbox_database.query("INSERT INTO mail_outbox (recipient, sealed, next_attempt_at, give_up_at, created_at) "
            "SELECT recipient, sealed, next_attempt_at, give_up_at, created_at FROM mail_outbox")  # fmt: skip
        async with sending(changed):
            first, second = await server.arrived(1), await server.arrived(2)
    assert first["Message-ID"] == second["Message-ID"]
    assert (first["From"], first["To"], first["Subject"]) == ("Das Büro <office@example.com>", to, "Your code")
    assert abs(first["Date"].datetime - datetime.now(UTC)) < timedelta(seconds=30)
    assert first["Auto-Submitted"] == "auto-generated"


@pytest.mark.parametrize(
    ("changes", "sender"),
    [
        ({}, "no-reply@localhost"),
        ({"public_url": "https://chat.example.com"}, "no-reply@chat.example.com"),
        ({"email_host_user": "team@example.com"}, "team@example.com"),
        ({"email_host_user": "apikey"}, "no-reply@localhost"),
        ({"email_from": "office@example.com", "email_host_user": "team@example.com"}, "office@example.com"),
    ],
)
def test_the_sender_is_the_configured_one_or_the_account_or_no_reply(changes: dict[str, str], sender: str) -> None:
    mailer = Mailer(Settings(secret_key="s" * 40, **changes), None)  # type: ignore[arg-type]
    assert mailer._sender.addr_spec == sender


class TestEncryption:
    """Against a server whose certificate is trusted, or not, or which offers no TLS at all."""

    @pytest.fixture
    def certificate(self, tmp_path: Path) -> tuple[Path, ssl.SSLContext]:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "a mail server")])
        now = datetime.now(UTC)
        built = (
            x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(HOST))]), critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(key, hashes.SHA256())
        )
        file = tmp_path / "mail.pem"
        plain = serialization.NoEncryption()
        file.write_bytes(
            key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
            + built.public_bytes(serialization.Encoding.PEM)
        )
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(file)
        return file, context

    async def test_starttls_with_a_password(
        self, settings: Settings, certificate: tuple[Path, ssl.SSLContext], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
        signed_in = []

        def authenticate(mechanism: str, login: bytes, password: bytes) -> bool:
            signed_in.append((login, password))
            return True

        options = {"auth_callback": authenticate, "auth_required": True, "auth_require_tls": True}
        async with Picky(tls_context=certificate[1], require_starttls=True, **options).running() as server:
            changes = {"email_use_tls": True, "email_host_user": "team@example.com", "email_host_password": "pa ss"}
            await send(settings, address())
            async with sending(replace(settings, email_port=server.port, **changes)):
                await server.arrived()
        assert signed_in == [(b"team@example.com", b"pa ss")]

    async def test_tls_from_the_first_byte(
        self, settings: Settings, certificate: tuple[Path, ssl.SSLContext], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
        async with Picky().running(implicit_tls=certificate[1]) as server:
            await send(settings, address())
            async with sending(replace(settings, email_port=server.port, email_use_ssl=True)):
                await server.arrived()

    async def test_a_certificate_that_nobody_vouches_for_gets_no_mail(
        self, settings: Settings, certificate: tuple[Path, ssl.SSLContext], caplog: pytest.LogCaptureFixture
    ) -> None:
        async with Picky(tls_context=certificate[1]).running() as server:
            await send(settings, address())
            async with sending(replace(settings, email_port=server.port, email_use_tls=True)):
                await _logged(caplog, "not sent at attempt 1")
        assert server.raw == []

    async def test_a_server_without_tls_gets_no_mail_when_tls_is_asked_for(
        self, settings: Settings, caplog: pytest.LogCaptureFixture
    ) -> None:
        async with Picky().running() as server:
            await send(settings, address())
            async with sending(replace(settings, email_port=server.port, email_use_tls=True)):
                await _logged(caplog, "not sent at attempt 1")
        assert server.raw == []


class TestDevelopmentMailbox:
    @pytest.fixture
    def dev_settings(self, settings: Settings) -> Settings:
        return replace(settings, email_host="")

    @staticmethod
    async def page(mailer: Mailer, settings: Settings, query: str = "") -> str:
        request = Request({"type": "http", "query_string": query.encode(), "headers": []})
        app: Any = SimpleNamespace(settings=settings, mailer=mailer)
        return bytes((await dev.mailbox(app, request)).body).decode()

    async def page_with(self, word: str, mailer: Mailer, settings: Settings) -> str:
        async def there() -> bool:
            return word in await self.page(mailer, settings)

        await until(there)
        return await self.page(mailer, settings)

    async def test_a_mail_is_printed_and_kept_for_the_page(
        self, dev_settings: Settings, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
    ) -> None:
        to = address()
        async with sending(dev_settings) as (mailer, database):
            assert "No mail yet" in await self.page(mailer, dev_settings)
            await mailer.enqueue(database, to, "<b>mail A</b> 山", TEXT + "<script>alert(1)</script>", 300)
            mailer.wake()
            shown = await self.page_with(CODE, mailer, dev_settings)
            await mailer.enqueue(database, to, "mail B", TEXT, 300)
            mailer.wake()
            both = await self.page_with("mail B", mailer, dev_settings)
            scripted = await self.page(mailer, dev_settings, "format=json")
        printed = capsys.readouterr().out
        assert to in printed
        assert CODE in printed
        assert "&lt;b&gt;mail A&lt;/b&gt; 山" in shown
        assert "<script" not in shown
        assert both.index("mail B") < both.index("mail A")
        assert re.match(rf'{{"status":"success","data":\[{{"recipient":"{re.escape(to)}","subject":"mail B","text":"', scripted)
        assert re.search(r'"created_at":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d"}\]}$', scripted)
        assert CODE not in caplog.text

    async def test_it_is_not_there_with_a_mail_server_or_outside_debug(self, dev_settings: Settings) -> None:
        for settings in (replace(dev_settings, debug=False), replace(dev_settings, email_host="localhost")):
            with pytest.raises(NotFound):
                await self.page(Mailer(settings, None), settings)  # type: ignore[arg-type]


def test_the_sign_in_mail_shows_its_code_once_and_not_in_the_subject() -> None:
    subject, text = sign_in_mail("012345")
    assert re.findall(r"\d{6}", subject + text) == ["012345"]
    assert not re.search(r"\d", subject)


def test_an_invitation_says_who_invites_to_what_and_names_stay_on_their_line() -> None:
    subject, text = invitation_mail("Zoë\r\nBcc: x", "Design\n\nteam", "https://chat.example.com", "bob@example.com")
    assert subject == "Zoë Bcc: x invites you to Design team"
    for part in ("Zoë Bcc: x", "“Design team”", "https://chat.example.com", "bob@example.com"):
        assert part in text


async def _logged(caplog: pytest.LogCaptureFixture, line: str) -> None:
    await until(lambda: line in caplog.text)


def _shows_no_secret(caplog: pytest.LogCaptureFixture, *addresses: str) -> None:
    assert caplog.records
    for record in caplog.records:
        line = logging.Formatter().format(record) + str(record.__dict__)
        assert CODE not in line
        assert not any(address in line for address in addresses)


@pytest.fixture(autouse=True)
def _everything_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.WARNING, "mail.log")  # what the SMTP server says of itself
