"""bin/bench: measures, prints the table, and keeps the figures as JSON under .local/bench/.

python -m bench.bench [--only NAME] [--seconds S] [--rounds N] [--rows N] [--minutes M] [--markdown [FILE ...]]
"""

import argparse
import json
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench import report
from bench.figures import Note, Scenario, SpoiledError, Values
from bench.machine import described
from bench.processes import busy_share
from bench.scenarios import SCENARIOS
from bench.scenarios.scale import Scale
from bench.scenarios.soak import Soak
from bench.stage import LOCAL, Stage

Run = dict[str, Any]


def main(arguments: Sequence[str] | None = None) -> int:
    asked = _parser().parse_args(arguments)
    if asked.markdown is not None:
        print(report.markdown(_merged(asked.markdown or [_newest()])))
        return 0
    Scale.rows, Soak.minutes = asked.rows, asked.minutes
    run = _measure(
        [it for it in SCENARIOS if (it.name in asked.only if asked.only else not it.only_when_named)], asked.seconds, asked.rounds
    )
    file = LOCAL / f"{time.strftime('%Y%m%d-%H%M%S')}.json"
    file.write_text(json.dumps(run, indent=1))
    print(f"\n{report.text(run)}\n\nKept in {file}")
    return 0


def _parser() -> argparse.ArgumentParser:
    names = [scenario.name for scenario in SCENARIOS]
    parser = argparse.ArgumentParser(prog="bin/bench", description="Measure pluseboard beside its limits and the seed's stack.")
    parser.add_argument(
        "--only", action="append", choices=names, metavar="NAME", help=f"only this ({', '.join(names)}); may be repeated"
    )
    parser.add_argument("--seconds", type=float, default=10, help="of load, for each figure and round (10)")
    parser.add_argument("--rounds", type=int, default=3, help="how often each is measured; the median counts (3)")
    parser.add_argument("--rows", type=int, default=Scale.rows, help="messages in the larger database of `scale` (10 million)")
    parser.add_argument("--minutes", type=float, default=Soak.minutes, help="of `soak` (10), which runs only when named")
    parser.add_argument("--markdown", nargs="*", metavar="FILE", help="measure nothing: print kept runs (the newest) as Markdown")
    return parser


def _measure(chosen: Sequence[type[Scenario]], seconds: float, rounds: int) -> Run:
    """Ctrl+C ends it early, with the figures so far."""
    _say("setting the stage")
    run: Run = {"made": {}, "busy": {}, "failures": [], "figures": {}, "details": []}
    with Stage(seconds) as stage:
        run["made"] = described(stage, seconds, rounds) | {it.name: it.settings for it in chosen if it.settings}
        try:
            for scenario in chosen:
                before = busy_share()
                note = _noting(scenario, run)
                try:
                    scenario(stage).run(rounds, note)
                except SpoiledError as error:
                    note(f"failed: {error}", {})
                run["busy"][scenario.name] = max(before, busy_share())
        except KeyboardInterrupt:
            _say("interrupted")
    return run


def _noting(scenario: type[Scenario], run: Run) -> Note:
    def note(side: str, values: Values) -> None:
        _say(f"{scenario.name} {side}: {', '.join(f'{key} {report.number(value)}' for key, value in values.items())}")
        run["details"].append({"scenario": scenario.name, "side": side, **values})
        if not values:
            run["failures"].append(f"{scenario.name} {side}")
        elif side in scenario.sides:
            for figure in scenario.figures:
                run["figures"].setdefault(figure.name, {}).setdefault(side, []).append(values[figure.name])

    return note


def _merged(files: Sequence[Path]) -> Mapping[str, Any]:
    """Long scenarios may have been measured in runs of their own: later files add to the first."""
    runs = [json.loads(Path(file).read_text()) for file in files]
    figures = {name: rounds for run in runs for name, rounds in run["figures"].items()}
    busy = {name: share for run in runs for name, share in run["busy"].items()}
    made = {name: value for run in reversed(runs) for name, value in run["made"].items()}
    made["made"] = "; ".join(dict.fromkeys(run["made"]["made"] for run in runs))
    failures = [failure for run in runs for failure in run["failures"]]
    return {"made": made, "busy": busy, "failures": failures, "figures": figures}


def _newest() -> Path:
    kept = sorted(LOCAL.glob("2*.json"))
    if not kept:
        sys.exit("bin/bench: nothing was measured yet")
    return kept[-1]


def _say(line: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {line}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
