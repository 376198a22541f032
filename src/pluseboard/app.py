"""create_app(settings): the only module that constructs things. Read this first, then routes.py."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp

from pluseboard import logs, socket_catalog
from pluseboard.actions.posting import WRITERS, Poster
from pluseboard.auth import Authenticator
from pluseboard.crowds import DatabaseShare
from pluseboard.database import Database
from pluseboard.errors import ApiError
from pluseboard.http import path_routes
from pluseboard.mail import Mailer
from pluseboard.middleware import Errors, FrontDoor, cors_options
from pluseboard.pages import PageCache
from pluseboard.presence import PresenceTracker
from pluseboard.rate_limits import RateLimits
from pluseboard.realtime.hub import Hub
from pluseboard.repositories import access, outbox, sessions
from pluseboard.repositories.access import Change
from pluseboard.routes import ENDPOINTS, SOCKETS, WEB
from pluseboard.services import Services
from pluseboard.settings import Settings, load_settings
from pluseboard.sockets.registry import Registry
from pluseboard.tasks import ended
from pluseboard.tokens import Tokens

log = logging.getLogger(__name__)

SWEEP_SECONDS = 60.0
RESTART = 1012


class Application(Starlette):
    """Without Starlette's two error layers: ours render every failure, and two layers fewer stand before each request."""

    def build_middleware_stack(self) -> ASGIApp:
        app: ASGIApp = self.router
        for cls, args, kwargs in reversed(self.user_middleware):
            app = cls(app, *args, **kwargs)
        return app


def build() -> Starlette:
    """What uvicorn calls in each process."""
    settings = load_settings()
    logs.configure(settings)
    return create_app(settings)


def create_app(settings: Settings) -> Starlette:
    database = Database(settings)
    hub = Hub(database, settings.redis_url, f"pluseboard:{settings.db_name}")
    services = Services(
        settings=settings,
        database=database,
        auth=Authenticator(database, Tokens(settings.jwt_secret_key, settings.jwt_secret_keys_accepted)),
        rate_limits=RateLimits(settings),
        mailer=Mailer(settings, database),
        hub=hub,
        poster=Poster(database, hub, settings.max_pending_messages),
        pages=PageCache(),
        presence=PresenceTracker(database, hub),
        registry=Registry(DatabaseShare(database, max(1, settings.db_pool_max // 4)), settings.max_sockets_per_user),
    )
    hub.on_change = lambda change: _access_changed(services, change)
    hub.on_presence = services.registry.announce

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        await database.connect()
        await hub.start()
        writers = [asyncio.create_task(services.poster.run()) for _ in range(WRITERS)]
        tasks = [asyncio.create_task(work) for work in (services.mailer.run(), services.presence.run(), _sweep(database))]
        try:
            yield
        finally:
            # Sockets have been told by uvicorn (1012); what was accepted is written before anything is taken down.
            services.registry.close_all(RESTART)
            services.poster.close()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(5):
                    await asyncio.gather(*writers)
            await hub.flushed()
            await ended(tasks)
            await hub.stop()
            await services.rate_limits.close()
            await database.close()

    app = Application(
        routes=[*path_routes(ENDPOINTS), *SOCKETS, *WEB],
        middleware=[
            Middleware(FrontDoor, settings=settings),
            Middleware(CORSMiddleware, **cors_options(settings)),
            Middleware(Errors, settings=settings),
        ],
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False
    app.state.services = services
    app.state.endpoints, app.state.sockets = ENDPOINTS, socket_catalog.SOCKETS  # for the documentation
    return app


def _access_changed(services: Services, change: Change) -> None:
    if change.kind == "session_revoked":
        services.auth.forget_session(change.session_id)
    elif change.kind == "profile_changed":
        services.auth.forget_user(change.user_id)
        services.pages.clear()
    services.registry.apply(change)


async def _sweep(database: Database) -> None:
    """Rows that are of no use any more, a slice a minute."""
    while True:
        await asyncio.sleep(SWEEP_SECONDS)
        try:
            await access.sweep(database)
            await sessions.sweep_tickets(database)
            await outbox.sweep(database)
        except ApiError as error:
            log.warning("the sweep failed", extra={"error": error.message})
