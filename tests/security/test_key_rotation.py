"""Keys are changed under way, as docs/security.md says: nobody is signed out, no code is void, no mail is lost."""

import asyncio
from collections.abc import Awaitable, Callable

import jwt

from pluseboard.tokens import key_id
from tests.answers import assert_error, assert_success
from tests.browsing import Jar
from tests.conftest import Person
from tests.servers import Database, MailServer, ServerProcess

OLD, NEW = {"JWT_SECRET_KEY": "old-jwt-" + "o" * 40}, {"JWT_SECRET_KEY": "new-jwt-" + "n" * 40}
OLD["SECRET_KEY"], NEW["SECRET_KEY"] = "old-" + "p" * 40, "new-" + "q" * 40


def signing(key: dict[str, str], accepting: dict[str, str] | None = None) -> dict[str, str]:
    others = accepting or {"JWT_SECRET_KEY": "", "SECRET_KEY": ""}
    return {**key, "JWT_SECRET_KEYS_ACCEPTED": others["JWT_SECRET_KEY"], "SECRET_KEYS_ACCEPTED": others["SECRET_KEY"]}


async def restart(server: ServerProcess, keys: dict[str, str]) -> None:
    await server.stop()
    server.env.update(keys)
    await server.start()


async def assert_signed_in(jar: Jar, *servers: ServerProcess) -> None:
    for server in servers:
        assert_success(await jar.ask(server, "GET", "/api/me/"))


async def refresh(jar: Jar, server: ServerProcess) -> None:
    answer = await jar.ask(server, "POST", "/api/refresh/")
    assert answer.status_code == 204
    jar.take(answer)


def key_of(jar: Jar) -> str:
    return str(jwt.get_unverified_header(jar.access_token or "")["kid"])


async def code(server: ServerProcess, email: str, mail: MailServer) -> str:
    assert_success(await Jar().ask(server, "POST", "/api/request-otp/", json={"email": email}))
    return await mail.code_for(email)


async def verify(server: ServerProcess, email: str, otp: str) -> int:
    return (await Jar().ask(server, "POST", "/api/verify-otp/", json={"email": email, "otp": otp})).status_code


async def test_keys_are_changed_by_rolling_restarts_and_nobody_is_signed_out(
    start_server: Callable[..., Awaitable[ServerProcess]],
    person: Callable[..., Awaitable[Person]],
    mail_restored: MailServer,
    database: Database,
) -> None:
    mail = mail_restored
    a, b = await start_server(own_database=True, **signing(OLD)), None
    b = await start_server(database=a.database, **signing(OLD))
    ann, bob = await person("ann", server=a), await person("bob", server=b)
    active, sleeper = Jar.of(ann), Jar.of(bob)
    assert key_of(active) == key_id(OLD["JWT_SECRET_KEY"])

    for server in (b, a):
        await restart(server, signing(OLD, accepting=NEW))
        await assert_signed_in(active, a, b)
        await assert_signed_in(sleeper, a, b)

    waiting = await code(a, ann.email, mail)
    await restart(b, signing(NEW, accepting=OLD))
    assert await verify(b, ann.email, waiting) == 200  # asked for under the old key
    await assert_signed_in(active, a, b)
    await refresh(active, b)
    assert key_of(active) == key_id(NEW["JWT_SECRET_KEY"])
    await assert_signed_in(active, a, b)  # a does not sign with the new key yet, and knows it
    assert await verify(a, ann.email, await code(b, ann.email, mail)) == 200
    await refresh(active, a)
    assert key_of(active) == key_id(OLD["JWT_SECRET_KEY"])

    mail.refuse()  # a mail that waits while the last process of the old key goes
    assert_success(await Jar().ask(a, "POST", "/api/request-otp/", json={"email": bob.email}))
    while not await a.database.query("SELECT id FROM mail_outbox WHERE recipient = %s AND attempts > 0", [bob.email]):
        await asyncio.sleep(0.05)
    await restart(a, signing(NEW, accepting=OLD))
    mail.restore()
    assert await verify(b, bob.email, await mail.code_for(bob.email, 30)) == 200
    await assert_signed_in(active, a, b)
    await refresh(active, a)
    assert key_of(active) == key_id(NEW["JWT_SECRET_KEY"])

    for server in (a, b):
        await restart(server, signing(NEW))
    await assert_signed_in(active, a, b)
    # Who never came in all that time has to sign in again: it is the accepted key that has held until here.
    for server in (a, b):
        assert_error(await sleeper.ask(server, "GET", "/api/me/"), 401)
