"""What a process is made of. app.py constructs it once; handlers and sockets are given it as `app`."""

from dataclasses import dataclass

from pluseboard.actions.posting import Poster
from pluseboard.auth import Authenticator
from pluseboard.database import Database
from pluseboard.mail import Mailer
from pluseboard.pages import PageCache
from pluseboard.presence import PresenceTracker
from pluseboard.rate_limits import RateLimits
from pluseboard.realtime.hub import Hub
from pluseboard.settings import Settings
from pluseboard.sockets.registry import Registry


@dataclass(frozen=True)
class Services:
    settings: Settings
    database: Database
    auth: Authenticator
    rate_limits: RateLimits
    mailer: Mailer
    hub: Hub
    poster: Poster
    pages: PageCache
    presence: PresenceTracker
    registry: Registry
