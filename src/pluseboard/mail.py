"""Mails: written into the outbox in the caller's transaction, sent in the background while they are of use.

The outbox holds each mail sealed with a key derived from SECRET_KEY, because a mail carries a sign-in code. No log line shows a
mail's text or a full address; only the development mailbox prints mails, on the terminal of whoever runs it.
"""

import asyncio
import base64
import contextlib
import logging
import re
import sys
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import localtime, make_msgid, parseaddr
from typing import NamedTuple
from urllib.parse import urlsplit
from uuid import uuid4

import aiosmtplib
import msgspec
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from pluseboard.database import Database, Executor
from pluseboard.repositories import outbox
from pluseboard.settings import Settings

logger = logging.getLogger(__name__)

POLL_SECONDS = 2.0
SMTP_SECONDS = 10.0  # for each step of the dialogue
SEND_SECONDS = 30.0  # for all of it: well within the minute that a claim lasts
BACKOFF_SECONDS = (1, 2, 5, 10, 30, 60)
# `=?utf-8?q?...?=`: in a header Python would decode it, line breaks included.
_ENCODED_WORD = re.compile(r"=\?(?=[^?]*\?[bq]\?)", re.IGNORECASE)
MAX_SENDING = 5  # more are claimed only when fewer are under way


class Mail(msgspec.Struct):
    """What is sealed. The recipient is inside too, so that a changed row cannot lead a code to another address."""

    recipient: str
    subject: str
    text: str
    message_id: str  # the same at every attempt: a mail that arrives twice can be recognised


class KeptMail(NamedTuple):
    recipient: str
    subject: str
    text: str
    created_at: str


class Mailer:
    """`enqueue` in a transaction, `wake` after its commit; `run` is the task that sends."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self._settings = settings
        self._database = database
        # Sealed with the first, opened with any.
        self._box = MultiFernet([Fernet(_sealing_key(key)) for key in (settings.secret_key, *settings.secret_keys_accepted)])
        self._sender = _sender(settings)
        self._due = asyncio.Event()

    async def enqueue(self, tx: Executor, recipient: str, subject: str, text: str, useful_seconds: int) -> None:
        """Write a mail into the outbox; it is tried for `useful_seconds`."""
        mail = Mail(recipient, _one_line(subject), _encodable(text), make_msgid(domain=self._sender.domain))
        await outbox.insert(tx, recipient, self._box.encrypt(msgspec.json.encode(mail)), useful_seconds)

    def wake(self) -> None:
        """There is something to send."""
        self._due.set()

    async def run(self) -> None:
        """Send what is due, for ever. Cancelled halfway, a mail is at worst sent again when its claim has expired."""
        async with asyncio.TaskGroup() as group:
            sending: set[asyncio.Task[None]] = set()
            while True:
                self._due.clear()
                claimed = await self._claim()
                for row in claimed:
                    task = group.create_task(self._deliver(row))
                    sending.add(task)
                    task.add_done_callback(sending.discard)
                while len(sending) >= MAX_SENDING:
                    await asyncio.wait(sending, return_when=asyncio.FIRST_COMPLETED)
                if not claimed:
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(POLL_SECONDS):
                            await self._due.wait()

    async def mailbox(self) -> list[KeptMail]:
        """The newest mails of the development mailbox, newest first."""
        kept = []
        for recipient, sealed, created_at in await outbox.mailbox(self._database):
            if mail := self._open(sealed):
                kept.append(KeptMail(recipient, mail.subject, mail.text, created_at))
        return kept

    async def _claim(self) -> list[outbox.Sealed]:
        try:
            return await outbox.claim(self._database, uuid4().hex)
        except Exception as error:
            logger.warning("The outbox cannot be read (%s); trying again", type(error).__name__)
            return []

    async def _deliver(self, row: outbox.Sealed) -> None:
        """Never raises: a failure of one mail is of no concern to the others."""
        try:
            await self._attempt(row)
        except Exception as error:
            logger.error("Mail %d: its outcome could not be noted (%s); it may be sent again", row.id, type(error).__name__)

    async def _attempt(self, row: outbox.Sealed) -> None:
        whom = _masked(row.recipient)
        mail = self._open(row.sealed)
        if mail is None or mail.recipient != row.recipient:
            logger.error("Mail %d to %s was sealed with another SECRET_KEY, or changed: dropped", row.id, whom)
        elif self._settings.dev_mailbox:
            _print(mail)
            await outbox.keep(self._database, row.id)
            return
        elif (failure := await self._send(mail)) is None:
            logger.info("Mail %d to %s sent", row.id, whom)
        elif _refused_for_good(failure):
            logger.warning("Mail %d to %s was refused for good (%s): dropped", row.id, whom, _reason(failure))
        else:
            pause = BACKOFF_SECONDS[min(row.attempts, len(BACKOFF_SECONDS)) - 1]
            logger.warning(
                "Mail %d to %s not sent at attempt %d (%s); again in %d s", row.id, whom, row.attempts, _reason(failure), pause
            )
            await outbox.retry(self._database, row.id, pause)
            return
        await outbox.remove(self._database, row.id)

    async def _send(self, mail: Mail) -> Exception | None:
        """Hand the mail to the server; what went wrong, if anything."""
        s = self._settings
        try:
            async with asyncio.timeout(SEND_SECONDS):
                await aiosmtplib.send(
                    self._message(mail),
                    sender=self._sender.addr_spec,
                    recipients=[mail.recipient],
                    hostname=s.email_host,
                    port=s.email_port,
                    username=s.email_host_user or None,
                    password=s.email_host_password or None,
                    local_hostname=_host(s),  # or DNS would be asked, which may be slow
                    timeout=SMTP_SECONDS,
                    use_tls=s.email_use_ssl,
                    start_tls=s.email_use_tls and not s.email_use_ssl,
                )
        except Exception as error:
            return error
        return None

    def _message(self, mail: Mail) -> EmailMessage:
        message = EmailMessage()
        message["From"] = self._sender
        if not _ENCODED_WORD.search(mail.recipient):
            message["To"] = mail.recipient
        message["Subject"] = mail.subject
        message["Date"] = localtime()
        message["Message-ID"] = mail.message_id
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(mail.text)
        return message

    def _open(self, sealed: bytes) -> Mail | None:
        """None when it was sealed with another SECRET_KEY."""
        try:
            return msgspec.json.decode(self._box.decrypt(sealed), type=Mail)
        except InvalidToken:
            return None


def sign_in_mail(code: str) -> tuple[str, str]:
    """Subject and text. The code stands in the text alone: subjects are shown on locked screens."""
    return "Your sign-in code", (
        f"Hello,\n\nhere is your code to sign in to pluseboard:\n\n    {code}\n\n"
        "It works once, within the next 5 minutes. If you did not ask for it, you can\n"
        "leave this mail alone: without the code nobody gets in. Please give it to nobody.\n\n"
        "See you inside,\npluseboard\n"
    )


def invitation_mail(inviter_name: str, workspace_name: str, base_url: str, email: str) -> tuple[str, str]:
    """Subject and text of an invitation to somebody who has no account yet."""
    inviter, workspace = _one_line(inviter_name), _one_line(workspace_name)
    return f"{inviter} invites you to {workspace}", (
        f"Hello,\n\n{inviter} would like to have you in the workspace “{workspace}” on pluseboard,\n"
        "where the team talks and keeps track of what is going on.\n\n"
        f"Register as {email} and sign in, and you are in:\n\n    {base_url}\n\n"
        f"If you do not know {inviter}, you can leave this mail alone: nothing will happen.\n\n"
        "See you inside,\npluseboard\n"
    )


def _sealing_key(secret_key: str) -> bytes:
    derived = HKDF(SHA256(), length=32, salt=None, info=b"pluseboard mail outbox").derive(secret_key.encode())
    return base64.urlsafe_b64encode(derived)


def _host(settings: Settings) -> str:
    return urlsplit(settings.base_url).hostname or "localhost"


def _sender(settings: Settings) -> Address:
    user = settings.email_host_user
    name, address = parseaddr(settings.email_from or (user if "@" in user else f"no-reply@{_host(settings)}"))
    return Address(display_name=name or "pluseboard", addr_spec=address)


def _one_line(text: str) -> str:
    """Nothing in a header can begin another: line breaks and control characters become blanks, encoded ones stay as they are."""
    line = re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]", " ", _encodable(text))
    return " ".join(_ENCODED_WORD.sub("= ?", line).split())


def _encodable(text: str) -> str:
    """Without lone surrogates, which no mail can carry."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _refused_for_good(error: Exception) -> bool:
    """The server will not take this mail to this recipient, now or later (5xx)."""
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        return all(refusal.code >= 500 for refusal in error.recipients)
    return isinstance(error, aiosmtplib.SMTPRecipientRefused | aiosmtplib.SMTPDataError) and error.code >= 500


def _reason(error: Exception) -> str:
    """What may be logged of a failure: a server's own words can repeat the address or the text."""
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused) and error.recipients:
        error = error.recipients[0]
    if isinstance(error, aiosmtplib.SMTPResponseException):
        status = re.search(r"\b[245]\.\d{1,3}\.\d{1,3}\b", error.message)
        return f"{type(error).__name__} {error.code}" + (f" {status.group()}" if status else "")
    if isinstance(error, aiosmtplib.SMTPConnectError):
        return f"{type(error).__name__}: {error}"
    return type(error).__name__


def _masked(address: str) -> str:
    local, _, domain = address.partition("@")
    return f"{local[:1]}***@{domain}"


def _print(mail: Mail) -> None:
    rule = "-" * 72
    block = f"{rule}\nMail to {mail.recipient}\n{mail.subject}\n\n{mail.text.rstrip()}\n{rule}\n"
    with contextlib.suppress(OSError, ValueError):  # no terminal: the mailbox page has it
        sys.stdout.write(block.encode(sys.stdout.encoding, "replace").decode(sys.stdout.encoding))
        sys.stdout.flush()
