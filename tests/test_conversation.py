"""A day of a real conversation goes in over HTTP and sockets, on two processes, and comes out identical and in order."""

import asyncio
from contextlib import AsyncExitStack
from itertools import cycle
from pathlib import Path

from tests.conftest import Cluster, Person, Socket
from tests.sockets.scenes import Json, MakePerson, call, joined, make_team, messages, nothing_waits, send_text

DIALOGUE = [
    tuple(line.split(": ", 1))
    for line in (Path(__file__).parent / "conversation.txt").read_text("utf-8").splitlines()
    if not line.startswith("#")
]

# What people also send: each must come out as it went in, character by character.
ODDITIES = [
    "吾輩は猫である。名前はまだ無い。",  # Natsume Sōseki, 1905
    "Все счастливые семьи похожи друг на друга, каждая несчастливая семья несчастлива по-своему.",  # Tolstoy, 1878
    "ἄνδρα μοι ἔννεπε, μοῦσα, πολύτροπον, ὃς μάλα πολλὰ πλάγχθη",  # Homer
    "道可道，非常道。名可名，非常名。",  # Laozi
    "나랏말싸미 듕귁에 달아 · 한글",
    "कर्मण्येवाधिकारस्ते मा फलेषु कदाचन",  # Bhagavad Gita
    "ที่นี่มีวรรณยุกต์และสระซ้อนกัน",
    "தமிழ் · తెలుగు · ಕನ್ನಡ · മലയാളം · বাংলা · ગુજરાતી",
    "ქართული · Հայերեն · አማርኛ · ᏣᎳᎩ",
    "بِسْمِ اللَّهِ الرَّحْمَٰنِ الرَّحِيمِ",
    "בְּרֵאשִׁית בָּרָא אֱלֹהִים",
    "left \u202bימין \u202aleft again\u202c ושוב\u202c left \u2067שלום\u2069 \u200fend\u200e",
    "قیمت: 1,234.50 (€) — می‌خواهم",  # with a zero-width non-joiner
    "👩‍👩‍👧‍👦 👩🏽‍🚀 🏳️‍🌈 🏴‍☠️ 🏴󠁧󠁢󠁳󠁣󠁴󠁿 🇺🇳 1️⃣ ☕️ ☕︎ 🧑🏿‍❤️‍💋‍🧑🏻 🫱🏼‍🫲🏿",
    "e\u0301 is not \u00e9, \u212b is not \u00c5, \ufb01 is not fi, \u1e9e is not ss",
    "Z̸̡̛̗͓̈́̏a̵͎͐ĺ̷͇g̶̱̔o̴̰͂ \u0e01\u0e33\u0e48 \u1100\u1161\u11a8",
    "𝔄𝔩𝔦𝔠𝔢 𝒲𝑜𝓃𝒹𝑒𝓇𝓁𝒶𝓃𝒹 𐌰𐌱𐌲 𠀋𡈽𪚲 \U0010fffd",
    "How doth the little crocodile\n  Improve his shining tail,\nAnd pour the waters of the Nile\n  On every golden scale!",
    "\tindented,\r\nwith the line ends of another system\r\n",
    "  spaces before, after and \u00a0\u2003\u3000 between  ",
    "line\u2028separator, paragraph\u2029separator, next\u0085line, zero\u200bwidth, \ufeffa mark, soft\u00adhyphen",
    "```python\nprint(f\"{'nested'!r:>{width}}\")  # \\n \\u0041 \\\\ %s %(name)s {0} ${HOME} $(id)\n```",
    """quotes: ' '' " "" ` `` \\' \\" ; -- /* */ # \\""",
    "Robert'); DROP TABLE messages;-- <script>alert(1)</script> &amp; &lt; %00 %2e {{7*7}}",
    '{"type": "new_message", "seq": 1} ] } null true NaN',
    "\x01\x02\x1b[31mred\x1b[0m\x7f and the last of the controls \x9f",
    "non-characters \ufffe \uffff \ufdd0 and a replacement \ufffd",
    "0",
    "null",
    "~",
    "/help @ @@ # ## :) https://example.com/a?b=c&d=%20#e",
    "ﷺ" * 200,
    "x" * 16_000,
    "🐇" * 16_000,
]


def the_day(speakers: list[str]) -> list[tuple[str, str]]:
    """(who, what): the dialogue, with something odd said between every fourth of its lines."""
    odd = iter(ODDITIES)
    day: list[tuple[str, str]] = []
    for number, (who, words) in enumerate(DIALOGUE):
        day.append((who, words))
        if number % 4 == 3 and (oddity := next(odd, None)) is not None:
            day.append((speakers[number // 4 % len(speakers)], oddity))
    assert next(odd, None) is None, "everything odd was said"
    return day


async def test_a_day_of_conversation_comes_out_as_it_went_in(cluster: Cluster, person: MakePerson) -> None:
    names = list(dict.fromkeys(who for who, _ in DIALOGUE))
    assert len(DIALOGUE) >= 120 and len(names) >= 5
    people = dict(zip(names, await asyncio.gather(*(person(name) for name in names)), strict=True))
    alice = people["alice"]
    _, channel_id = await make_team(alice, *(someone for someone in people.values() if someone is not alice))
    day = the_day(names)
    spoken = [(people[who].email, body) for who, body in day]

    async with AsyncExitStack() as stack:
        live = [
            await stack.enter_async_context(joined(someone, channel_id, server)) for someone, server in _places(people, cluster)
        ]
        following = [asyncio.create_task(messages(socket, len(day), timeout=60)) for socket in live]
        speaking = {
            who: [await stack.enter_async_context(someone.socket("/ws/chat/", server)) for server in cluster.both]
            for who, someone in people.items()
        }
        ids = []
        for (who, body), way in zip(day, cycle(range(4)), strict=False):
            ids.append(await _say(people[who], speaking[who], channel_id, body, way, cluster))
        shown = await asyncio.gather(*following)
        for socket in live:
            await nothing_waits(socket)

    fetched = await _backwards(alice, channel_id)
    assert [message["id"] for message in fetched] == ids
    assert [(message["sender_email"], message["body"]) for message in fetched] == spoken
    assert all(each == fetched for each in shown), "live, on every socket"
    assert await _forwards(people["hatter"], channel_id, ids[0]) == fetched[1:]
    for server in cluster.both:
        async with alice.socket("/ws/chat/", server) as late:
            await late.send({"type": "join_channel", "channel_id": channel_id, "since_seq": 0})
            assert await messages(late, len(day)) == fetched, "replayed"
    rows = await cluster.a.database.query("SELECT body FROM messages WHERE channel_id = %s ORDER BY seq", [channel_id])
    assert [row["body"] for row in rows] == [body for _, body in day], "and so it is stored"


def _places(people: dict[str, Person], cluster: Cluster) -> list[tuple[Person, object]]:
    return [(someone, server) for someone in list(people.values())[:2] for server in cluster.both]


async def _say(someone: Person, sockets: list[Socket], channel_id: int, body: str, way: int, cluster: Cluster) -> int:
    """Over HTTP or a socket, on one process or the other; the message's id."""
    if way < 2:
        fields: Json = {"channel_id": channel_id, "body": body}
        return int((await call(someone.on(cluster.both[way]), "POST", "/api/messages/", **fields))["message_id"])
    socket = sockets[way - 2]
    await send_text(socket, {"type": "send_message", "channel_id": channel_id, "body": body, "ref": "said"})
    answer = await socket.receive()
    assert (answer["type"], answer["ref"]) == ("ack", "said"), answer
    return int(answer["message_id"])


async def _backwards(someone: Person, channel_id: int) -> list[Json]:
    """All pages from the newest to the oldest, put in order."""
    found: list[Json] = []
    before = ""
    while True:
        page = await call(someone.http, "GET", f"/api/messages/?channel_id={channel_id}&limit=17{before}")
        found = page["data"] + found
        if not page["has_more"]:
            return found
        before = f"&before_id={found[0]['id']}"


async def _forwards(someone: Person, channel_id: int, after: int) -> list[Json]:
    found: list[Json] = []
    while True:
        path = f"/api/messages/?channel_id={channel_id}&limit=23&after_id={found[-1]['id'] if found else after}"
        page = await call(someone.http, "GET", path)
        found += page["data"]
        if not page["has_more"]:
            return found


async def test_characters_that_are_escaped_arrive_like_those_that_are_not(cluster: Cluster, person: MakePerson) -> None:
    alice = await person("alice")
    _, channel_id = await make_team(alice)
    async with joined(alice, channel_id, cluster.b) as socket:
        for oddity in ODDITIES[:-2]:
            # As \\u escapes, with surrogate pairs for what lies beyond U+FFFF.
            await socket.send({"type": "send_message", "channel_id": channel_id, "body": oddity})
            assert (await messages(socket, 1))[0]["body"] == oddity
