"""A topic brings its events to every subscriber in order and once, however they come and however many listen."""

import asyncio
import random
from itertools import pairwise

from pluseboard.realtime.events import MAX_BATCH_CHARS, Batch, Event, Frame, batches
from pluseboard.realtime.topics import SLICE, Topic

CROWD = 2 * SLICE + 100


class Listener:
    """Notes what it is given."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def push(self, batch: Batch) -> None:
        self.texts += [part.text for part in batch.frame.parts]

    async def drained(self) -> None:
        return None


def event(seq: int, text: str = "") -> Event:
    return Event("channel:1", seq, Frame(text or str(seq), ephemeral=seq == 0))


def topic_with(listeners: list[Listener]) -> Topic:
    topic = Topic("channel:1")
    topic.last_seq = 0
    topic.subscribers.update(enumerate(listeners))
    return topic


async def sliced(topic: Topic) -> None:
    while topic._slicing is not None:
        await asyncio.sleep(0)


def test_events_in_any_order_come_out_in_order_and_once() -> None:
    chance = random.Random(1)
    for _ in range(50):
        listener = Listener()
        topic = topic_with([listener])
        seqs = [*range(1, 41), *chance.sample(range(1, 41), 15)]  # some of them twice
        chance.shuffle(seqs)
        while seqs:
            size = chance.randint(1, 9)
            missing = topic.take([event(seq) for seq in seqs[:size]])
            seqs = seqs[size:]
            assert missing == bool(topic.early)
        assert listener.texts == [str(seq) for seq in range(1, 41)]
        assert topic.early == {}


def test_what_comes_before_the_log_was_read_waits_for_it() -> None:
    listener = Listener()
    topic = topic_with([listener])
    topic.last_seq = None
    assert not topic.take([event(6), event(5), event(0, "typing"), event(3)])
    assert listener.texts == ["typing"]
    topic.last_seq = 4
    assert not topic.take([])
    assert listener.texts == ["typing", "5", "6"]


async def test_a_crowd_gets_everything_in_order_and_lets_others_have_a_turn() -> None:
    crowd = [Listener() for _ in range(CROWD)]
    topic = topic_with(crowd)
    topic.take([event(1), event(2)])
    turns = 0
    while topic._slicing is not None:
        topic.take([event(3 + turns)])
        turns += 1
        await asyncio.sleep(0)
        if turns == 5:
            break
    await sliced(topic)
    assert turns == 5, "the event loop had turns between the slices"
    expected = [str(seq) for seq in range(1, 8)]
    assert all(listener.texts == expected for listener in crowd)


async def test_who_leaves_a_crowd_gets_nothing_more_and_who_comes_back_nothing_twice() -> None:
    crowd = [Listener() for _ in range(CROWD)]
    topic = topic_with(crowd)
    topic.take([event(1)])
    left, back = Listener(), Listener()
    topic.subscribers.pop(CROWD - 1)
    topic.subscribers[CROWD - 2] = back  # it has been replayed up to 1
    topic.subscribers[CROWD] = left
    topic.take([event(2)])
    topic.subscribers.pop(CROWD)
    await sliced(topic)
    assert crowd[CROWD - 1].texts == [] and left.texts == []
    assert crowd[CROWD - 2].texts == [] and back.texts == ["2"]
    assert all(listener.texts == ["1", "2"] for listener in crowd[: CROWD - 2])


def test_batches_hold_everything_in_order_within_their_size_and_leave_ephemeral_frames_alone() -> None:
    chance = random.Random(2)
    events = [event(0 if seq % 7 == 0 else seq, "x" * chance.choice((1, 500, 20_000))) for seq in range(1, 200)]
    made = list(batches(events))
    assert [it for batch in made for it in batch.events] == events
    for batch in made:
        assert len(batch.events) == 1 or (batch.frame.size <= MAX_BATCH_CHARS and all(it.seq for it in batch.events))
        assert batch.frame.wire == b"".join(it.frame.wire for it in batch.events)
    # As few as possible: two neighbours would not have fitted into one.
    for one, two in pairwise(made):
        first = two.events[0]
        assert not first.seq or not one.events[-1].seq or one.frame.size + first.frame.size > MAX_BATCH_CHARS
