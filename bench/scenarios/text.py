"""Bodies as people write them: a few words to a few lines, the same ones in every run."""

import random
from collections.abc import Iterator

WORDS = (
    "the a we you it is was can could should and but because when before after on in of for to with deploy review release "
    "meeting customer invoice database channel question answer thanks tomorrow ticket design draft 👍 café naïve 会议 ready"
)


def bodies(count: int) -> Iterator[str]:
    chance, words = random.Random(1), WORDS.split()
    for _ in range(count):
        yield " ".join(chance.choices(words, k=min(100, 1 + round(chance.expovariate(1 / 14)))))
