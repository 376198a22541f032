"""Registering, signing in by an emailed code, signing out, one's own profile."""

from starlette.requests import Request

from pluseboard.actions import sign_in
from pluseboard.auth import CurrentUser, bearer_token
from pluseboard.callers import client_ip
from pluseboard.errors import Unauthorized
from pluseboard.repositories import users
from pluseboard.schemas import Data, Done, EditProfile, Profile, Register, RequestOtp, VerifyOtp
from pluseboard.services import Services


async def register(app: Services, request: Request, body: Register) -> Done:
    """Register a new user.

    Signing in then takes a code that is mailed to the address.
    """
    await app.rate_limits.hit("register_ip", client_ip(request))
    await sign_in.register(app, body)
    return Done(message="User registered successfully!")


async def request_otp(app: Services, request: Request, body: RequestOtp) -> Done:
    """Mail a sign-in code.

    Six digits, valid for five minutes, usable once; a new code replaces the old one. The answer is the same whether the address
    is registered or not.
    """
    email = body.email.lower()
    await app.rate_limits.hit("otp_ip", client_ip(request))
    await app.rate_limits.hit("otp_account", email)
    await sign_in.send_code(app, email)
    return Done(message=f"OTP sent to {email}")


async def verify_otp(app: Services, request: Request, body: VerifyOtp) -> Done:
    """Sign in with the code.

    Sets the cookies `access_token`, `refresh_token` and `id_token`. Whoever was invited by mail is now a member. After five wrong
    codes even a right one is refused; a failure is forgotten every three minutes. Raises Unauthorized.
    """
    await app.rate_limits.hit("verify_ip", client_ip(request))
    request.state.grant = await sign_in.sign_in(app, body.email.lower(), body.otp)
    return Done(message="Login successful!")


async def logout(app: Services, request: Request) -> Done:
    """Sign out.

    Ends the session in every process at once, closes its sockets (4401) and clears the cookies. It succeeds for whoever is not
    signed in.
    """
    candidates = [
        (bearer_token(request), "access"),
        (request.cookies.get("refresh_token"), "refresh"),
        (request.cookies.get("access_token"), "access"),
    ]
    for token, kind in candidates:
        try:
            session_id = app.auth.session_of(token or "", kind)
        except Unauthorized:
            continue
        await sign_in.sign_out(app, session_id)
        break
    request.state.grant = None
    return Done(message="Logged out")


async def me(app: Services, user: CurrentUser) -> Data[Profile]:
    """Get one's own profile."""
    profile = await users.profile(app.database, user.id)
    if profile is None:
        raise Unauthorized
    return Data(data=profile)


async def edit(app: Services, user: CurrentUser, body: EditProfile) -> Data[Profile]:
    """Change one's full name."""
    await sign_in.rename(app, user, body.full_name.strip())
    return await me(app, user)
