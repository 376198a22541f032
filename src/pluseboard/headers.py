"""One header of a request. (Starlette's Headers wraps, encodes and compares for each look-up: 8% of what a send cost.)"""

from starlette.types import Scope


def header(scope: Scope, name: bytes) -> str:
    """The first value of the header, "" when there is none. `name` is in lower case, as ASGI servers give names."""
    for key, value in scope["headers"]:
        if key == name:
            text: str = value.decode("latin-1")
            return text
    return ""
