"""What a figure is, and when its goal is met."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any, Literal

from bench.stage import Stage

Values = Mapping[str, float]
Note = Callable[[str, Values], None]


class SpoiledError(Exception):
    """Something went wrong under load, so that a figure would mean nothing."""


@dataclass(frozen=True)
class Figure:
    """`against`: our figure divided by that side's must be at least this (`more` is better), or at most this (`less` is)."""

    name: str
    title: str
    unit: str
    better: Literal["more", "less"] = "more"
    against: Mapping[str, float] = field(default_factory=dict)
    at_most: float | None = None
    times: tuple[str, float] | None = None  # so many times another figure of ours, at least

    @property
    def goal(self) -> str:
        bound = "at least" if self.better == "more" else "at most"
        parts = [f"{bound} {ratio:g} x {side}" for side, ratio in self.against.items()]
        if self.at_most is not None:
            parts.append(f"at most {self.at_most:g} {self.unit}")
        if self.times:
            parts.append(f"at least {self.times[1]:g} x {self.times[0]}")
        return ", ".join(parts)

    def met(self, figures: Mapping[str, "Measured"]) -> bool | None:
        """None when there is no goal, or when what it compares with was not measured."""
        mine = figures.get(self.name)
        if mine is None or mine.ours is None:
            return None
        verdicts = [self._better_than(mine.ratio(side), ratio) for side, ratio in self.against.items()]
        if self.at_most is not None:
            verdicts.append(mine.ours <= self.at_most)
        if self.times:
            other = figures.get(self.times[0])
            verdicts.append(None if other is None or other.ours is None else mine.ours >= self.times[1] * other.ours)
        if False in verdicts:
            return False
        return None if None in verdicts or not verdicts else True

    def _better_than(self, ratio: float | None, bound: float) -> bool | None:
        if ratio is None:
            return None
        return ratio >= bound if self.better == "more" else ratio <= bound


@dataclass(frozen=True)
class Measured:
    """A figure's values of each round: side -> values."""

    rounds: Mapping[str, Sequence[float]]

    def of(self, side: str) -> float | None:
        return median(self.rounds[side]) if self.rounds.get(side) else None

    @property
    def ours(self) -> float | None:
        return self.of("ours")

    def ratio(self, side: str) -> float | None:
        other = self.of(side)
        return self.ours / other if other and self.ours is not None else None


class Scenario:
    """Something that is measured. `sides` names its methods; each starts what it measures and returns a value for each figure."""

    name: str
    figures: tuple[Figure, ...]
    sides: tuple[str, ...] = ("ours", "limit", "peer")
    settings = ""  # what differs from the other scenarios
    only_when_named = False

    def __init__(self, stage: Stage) -> None:
        self.stage = stage

    def prepare(self) -> None:
        """Once, before the first round."""

    def run(self, rounds: int, note: Note) -> None:
        """The sides in turn, so that whatever else the machine does meets all of them."""
        self.prepare()
        for _ in range(rounds):
            for side in self.sides:
                try:
                    note(side, self.measure(side))
                except SpoiledError as error:
                    note(f"{side} failed: {error}", {})

    def measure(self, side: str) -> Values:
        measured: dict[str, Any] = getattr(self, side)()
        return measured
