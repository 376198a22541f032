"""The newest page of a channel, kept ready: a channel's log makes it a function of (channel, last_seq, limit).

Whatever changes a message takes the next seq, so an entry is never wrong, only out of date, and is then not asked for. (A
sender's name alone can change without a seq: `clear`.)
"""

from collections import OrderedDict

MAX_BYTES = 32 * 1024 * 1024
ENTRY_BYTES = 300  # of the entry itself, about


class PageCache:
    """Least recently used pages go first, past 32 MiB."""

    def __init__(self) -> None:
        self._pages: OrderedDict[tuple[int, int], tuple[int, bytes]] = OrderedDict()
        self._bytes = 0
        self.generation = 0

    def get(self, channel_id: int, limit: int, last_seq: int) -> bytes | None:
        found = self._pages.get((channel_id, limit))
        if found is None or found[0] != last_seq:
            return None
        self._pages.move_to_end((channel_id, limit))
        return found[1]

    def put(self, channel_id: int, limit: int, last_seq: int, page: bytes, generation: int) -> None:
        """`generation` as it was before the page was read: a page from before a `clear` is not kept."""
        if generation != self.generation:
            return
        self._forget((channel_id, limit))
        self._pages[channel_id, limit] = (last_seq, page)
        self._bytes += len(page) + ENTRY_BYTES
        while self._bytes > MAX_BYTES:
            self._forget(next(iter(self._pages)))

    def clear(self) -> None:
        self.generation += 1
        self._pages.clear()
        self._bytes = 0

    def _forget(self, key: tuple[int, int]) -> None:
        if (old := self._pages.pop(key, None)) is not None:
            self._bytes -= len(old[1]) + ENTRY_BYTES
