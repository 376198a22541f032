"""What is measured, in the order of the table."""

from bench.scenarios.deliveries import Deliveries
from bench.scenarios.http_sends import HttpSends
from bench.scenarios.idle_memory import IdleMemory
from bench.scenarios.latency import Latency, SmallLatency
from bench.scenarios.pages import OlderPages, Pages
from bench.scenarios.reconnect_storm import ReconnectStorm
from bench.scenarios.scale import Scale
from bench.scenarios.soak import Soak
from bench.scenarios.socket_sends import SocketSends

SCENARIOS = (
    HttpSends,
    Pages,
    OlderPages,
    SocketSends,
    Deliveries,
    Latency,
    SmallLatency,
    IdleMemory,
    ReconnectStorm,
    Scale,
    Soak,
)
