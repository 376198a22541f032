"""Refreshing, the list of devices, tickets for sockets."""

from starlette.requests import Request

from pluseboard.actions import sign_in
from pluseboard.auth import CurrentUser
from pluseboard.errors import Unauthorized
from pluseboard.repositories import sessions
from pluseboard.schemas import Data, Done, Session, Ticket
from pluseboard.services import Services

TICKET_SECONDS = 30


async def refresh(app: Services, request: Request) -> None:
    """Get fresh tokens.

    Rotates the refresh token and sets all three cookies. Call it before opening a socket with the cookie or a token. Two calls
    with one refresh token within ten seconds get the same successor; a later reuse ends the session. Raises Unauthorized.
    """
    try:
        request.state.grant = await app.auth.rotate(request.cookies.get("refresh_token", ""))
    except Unauthorized:
        request.state.grant = None
        raise


async def ticket(app: Services, user: CurrentUser) -> Ticket:
    """Get a ticket for a socket.

    Opens one socket (`?ticket=`) within 30 seconds: the way that keeps tokens out of addresses and logs.
    """
    return Ticket(ticket=await app.auth.new_ticket(user.session_id), expires_in=TICKET_SECONDS)


async def page(app: Services, user: CurrentUser) -> Data[list[Session]]:
    """List the devices on which one is signed in."""
    return Data(data=await sessions.live_of_user(app.database, user.id, user.session_id))


async def revoke_others(app: Services, user: CurrentUser) -> Done:
    """Sign out everywhere else."""
    count = await sign_in.revoke_other_sessions(app, user)
    return Done(message=f"{count} other sessions ended")


async def revoke(app: Services, user: CurrentUser, session_id: int) -> Done:
    """Sign out one device."""
    await sign_in.revoke_session(app, user, session_id)
    return Done(message="Session ended")
