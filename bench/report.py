"""The tables: for a terminal, and as Markdown for docs/performance.md."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bench.figures import Figure, Measured, Scenario
from bench.scenarios import SCENARIOS

NAMES = {"ours": "pluseboard", "peer": "seed's stack", "small": "a tenth", "start": "after a minute"}
BUSY = 0.15


def number(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def rows(scenarios: Sequence[type[Scenario]], figures: Mapping[str, Measured], sides: Sequence[str]) -> Iterable[list[str]]:
    """The figures that were measured: ours, then each other side with how many times it ours is."""
    others = [side for side in sides if side != "ours"]
    yield ["figure", NAMES["ours"], *(cell for side in others for cell in (NAMES.get(side, side), "ratio")), "goal", "met"]
    for scenario in scenarios:
        for figure in scenario.figures:
            if figure.name in figures:
                yield _row(figure, figures, others)


def _row(figure: Figure, figures: Mapping[str, Measured], others: Sequence[str]) -> list[str]:
    measured = figures[figure.name]
    cells = [f"{figure.title}", f"{number(measured.ours)} {figure.unit}"]
    for side in others:
        ratio = measured.ratio(side)
        cells += [number(measured.of(side)), "-" if ratio is None else f"{ratio:.2f}"]
    goal = figure.goal
    for name, shown in NAMES.items():
        goal = goal.replace(f"x {name}", f"x {shown}")
    return [*cells, goal or "-", {True: "yes", False: "no", None: "-"}[figure.met(figures)]]


def tables(run: Mapping[str, Any]) -> Iterable[list[list[str]]]:
    """One table of what has a limit and a peer; one each of what is compared with itself."""
    figures = {name: Measured(rounds) for name, rounds in run["figures"].items()}
    standard = [scenario for scenario in SCENARIOS if "limit" in scenario.sides]
    groups = [(standard, ("ours", "limit", "peer")), *(([it], it.sides) for it in SCENARIOS if it not in standard)]
    for scenarios, sides in groups:
        table = list(rows(scenarios, figures, sides))
        if len(table) > 1:
            yield table


def heading(run: Mapping[str, Any]) -> list[str]:
    made = run["made"]
    lines = [f"{name}: {value}" for name, value in made.items()]
    busy = {name: share for name, share in run["busy"].items() if share > BUSY}
    lines += run["failures"]
    if busy:
        shares = ", ".join(f"{name} {share:.0%}" for name, share in busy.items())
        lines.append(f"NOT TO BE TRUSTED, others used this machine meanwhile: {shares}")
    return lines


def text(run: Mapping[str, Any]) -> str:
    parts = ["\n".join(heading(run))]
    for table in tables(run):
        widths = [max(len(row[column]) for row in table) for column in range(len(table[0]))]
        parts.append("\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in table))
    return "\n\n".join(parts)


def markdown(run: Mapping[str, Any]) -> str:
    parts = ["\n".join(f"- {line}" for line in heading(run))]
    for head, *body in tables(run):
        lines = [head, ["---"] * len(head), *body]
        parts.append("\n".join(f"| {' | '.join(line)} |" for line in lines))
    return "\n\n".join(parts)
