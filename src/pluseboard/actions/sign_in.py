"""Registering, codes by mail, sessions."""

import hashlib
import hmac
import secrets
import time

from pluseboard.actions.auditing import audit
from pluseboard.actions.joining import join_workspace, lock_for_joining
from pluseboard.auth import CurrentUser, Grant
from pluseboard.callers import caller
from pluseboard.database import Connection, DuplicateRow
from pluseboard.errors import BadInput, Conflict, NotFound, Unauthorized
from pluseboard.mail import sign_in_mail
from pluseboard.passwords import hash_password
from pluseboard.realtime.events import Event
from pluseboard.repositories import access, codes, invitations, sessions, users
from pluseboard.repositories.access import Change
from pluseboard.repositories.codes import Attempt
from pluseboard.schemas import Register
from pluseboard.services import Services

CODE_SECONDS = 5 * 60
MAX_FAILURES = 5
WRONG_CODE = "Invalid or expired code"
RESERVED_NAMES = ("channel", "here")  # @channel and @here mean everybody


async def register(app: Services, body: Register) -> None:
    """Raises Conflict when the email or username is taken."""
    if body.username.lower() in RESERVED_NAMES:
        raise BadInput("username must not be channel or here: these mean everybody in a mention")
    password_hash = await hash_password(body.password)
    email, full_name = body.email.lower(), body.full_name.strip()
    try:
        await app.database.transaction(lambda tx: users.insert(tx, body.username, email, full_name, password_hash))
    except DuplicateRow as error:
        taken = "email" if "email" in error.key else "username"
        raise Conflict(f"{taken} is already registered") from None


async def rename(app: Services, user: CurrentUser, full_name: str) -> None:
    """Every process that remembers the old name is told."""

    async def work(tx: Connection) -> Change:
        await users.rename(tx, user.id, full_name)
        return await access.record(tx, Change(user.id, "profile_changed"))

    app.hub.publish([], [await app.database.transaction(work)])


async def send_code(app: Services, email: str) -> None:
    """A new code to a registered address; nothing, in about the same time, to any other."""
    code = f"{secrets.randbelow(1_000_000):06}"
    subject, text = sign_in_mail(code)

    async def work(tx: Connection) -> None:
        user_id = await users.id_by_email(tx, email)
        if user_id is not None:
            await codes.replace(tx, user_id, _hash(app.settings.secret_key, user_id, code))
            await app.mailer.enqueue(tx, email, subject, text, CODE_SECONDS)

    await app.database.transaction(work)
    app.mailer.wake()


async def sign_in(app: Services, email: str, code: str) -> Grant:
    """A right code opens a session, and the doors to which the address was invited. Raises Unauthorized for every other."""
    events: list[Event] = []
    changes: list[Change] = []

    async def work(tx: Connection) -> Grant | None:
        events.clear()
        changes.clear()
        attempt = await codes.lock_attempt(tx, email)
        if attempt is None or not await _is_right(app, tx, attempt, code):
            claimed = CurrentUser(attempt.user_id if attempt else 0, "", email, "", 0)
            await audit(tx, claimed, "sign_in_failed", ("user", claimed.id))
            return None
        await codes.consume(tx, attempt.user_id)
        now = int(time.time())
        ip, user_agent = caller()
        session_id = await sessions.insert(tx, attempt.user_id, user_agent, ip, now)
        user = CurrentUser(attempt.user_id, attempt.username, attempt.email, attempt.full_name, session_id)
        await audit(tx, user, "signed_in", ("session", session_id))
        invited = await invitations.for_email(tx, email)
        live = await lock_for_joining(tx, [waiting.workspace_id for waiting in invited]) if invited else set()
        for waiting in invited:
            if not await invitations.consume(tx, waiting.id) or waiting.workspace_id not in live:
                continue
            inviter = CurrentUser(waiting.inviter_id, waiting.inviter_username, waiting.inviter_email, waiting.inviter_name, 0)
            if joined := await join_workspace(tx, waiting.workspace_id, user, waiting.role, inviter):
                who = ("user", user.id)
                await audit(tx, user, "member_joined", who, waiting.workspace_id, role=waiting.role, invited_by=inviter.email)
                events.extend(joined.events)
                changes.extend(joined.changes)
        return app.auth.grant(user, 1, now)

    grant = await app.database.transaction(work)
    if grant is None:
        # After the transaction, which has committed the failure.
        raise Unauthorized(WRONG_CODE)
    app.hub.publish(events, changes)
    return grant


async def _is_right(app: Services, tx: Connection, attempt: Attempt, code: str) -> bool:
    """Compare in constant time; count a failure, also when the count alone refuses a right code."""
    expected = await codes.live_hash(tx, attempt.user_id) or b"\0" * 32
    keys = (app.settings.secret_key, *app.settings.secret_keys_accepted)
    # All are compared, whichever fits: the time does not tell.
    right = sum([hmac.compare_digest(expected, _hash(key, attempt.user_id, code)) for key in keys]) > 0
    if right and attempt.failures < MAX_FAILURES:
        return True
    await codes.count_failure(tx, attempt.user_id, min(attempt.failures + 1, MAX_FAILURES))
    return False


def _hash(key: str, user_id: int, code: str) -> bytes:
    """Keyed: a million codes are no work for whoever has only the database."""
    return hmac.new(key.encode(), f"otp:{user_id}:{code}".encode(), hashlib.sha256).digest()


async def sign_out(app: Services, session_id: int) -> None:
    """End a session everywhere, now. Ending it twice changes nothing."""
    row = await sessions.live(app.database, session_id)
    if row is not None:
        await _revoke(app, CurrentUser(*row, session_id), [session_id], "signed_out")


async def revoke_session(app: Services, user: CurrentUser, session_id: int) -> None:
    """One of the user's own. Raises NotFound."""
    if not await _revoke(app, user, [session_id], "revoked"):
        raise NotFound("There is no such session")


async def revoke_other_sessions(app: Services, user: CurrentUser) -> int:
    """How many were ended."""
    others = [s.id for s in await sessions.live_of_user(app.database, user.id, user.session_id) if not s.is_current]
    return await _revoke(app, user, others, "revoked")


async def _revoke(app: Services, user: CurrentUser, session_ids: list[int], reason: str) -> int:
    async def work(tx: Connection) -> list[Change]:
        changes = []
        for session_id in session_ids:
            if change := await sessions.revoke(tx, session_id, user.id):
                await audit(tx, user, "session_revoked", ("session", session_id), reason=reason)
                changes.append(change)
        return changes

    changes = await app.database.transaction(work)
    app.hub.publish([], changes)
    await app.hub.flushed()
    return len(changes)
