"""``make bench``: measures all parts, or those that are named, and writes reports/bench/bench.json and docs/PERFORMANCE.md."""

from __future__ import annotations

import argparse
import json
import os
import platform
import shlex
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from bench import calls, deploys, distance, judging, page, scale, tools
from bench.processes import RIVALS, ROOT, run
from voxgate.errors import VoxgateError

OUT = ROOT / "reports" / "bench" / "bench.json"
FORMAT = 1
FAR = (0, 10, 50, 100, 200)


class Asked(NamedTuple):
    """How a part is to be measured: rounds, whether only quickly, how many hosts (empty: as it has them), at which round trip
    times in milliseconds, and who is told.
    """

    rounds: int
    quick: bool
    hosts: Sequence[int]
    far: Sequence[int]
    say: Callable[[str], None]


PARTS: Mapping[str, tuple[int, Callable[[Asked], dict[str, Any]]]] = {
    "tools": (5, lambda asked: tools.measure(asked.rounds, asked.say)),
    "distance": (3, lambda asked: distance.measure(asked.far, [0, 100], asked.rounds, asked.say)),
    "judging": (3, lambda asked: judging.measure(_hosts(asked, (10, 50, 200)), asked.rounds, asked.say)),
    "scale": (1, lambda asked: scale.measure(_hosts(asked, (50, 100, 200)), asked.say, whole=not asked.quick)),
    "calls": (20, lambda asked: calls.measure(asked.rounds, asked.say)),
    "folders": (3, lambda asked: calls.measure_folders(asked.rounds, asked.say)),
    "deploy": (5, lambda asked: deploys.measure(asked.rounds, asked.say)),
    "deploy-far": (3, lambda asked: deploys.measure_far(asked.far, asked.rounds, asked.say)),
}
"""Each part, with its rounds."""

LOOKING = frozenset({"tools", "distance", "calls", "folders", "deploy", "deploy-far"})
"""Parts that look at what is deployed on the lab, or deploy it once more."""


def _hosts(asked: Asked, usual: Sequence[int]) -> Sequence[int]:
    return asked.hosts or ((10,) if asked.quick else usual)


QUICK = ("tools", "distance", "judging")


def main(argv: Sequence[str]) -> int:
    """Measure; 0, or 1 where a part could not be measured: the others' numbers are written all the same."""
    asked = _parser().parse_args(list(argv))
    parts = asked.parts or (QUICK if asked.quick else tuple(PARTS))
    if unknown := sorted(set(parts) - set(PARTS)):
        _parser().error(f"no such part: {', '.join(unknown)}; there are {', '.join(PARTS)}")
    run([os.environ.get("UV", "uv"), "sync", "--locked", "--quiet"], cwd=RIVALS)
    if LOOKING & set(parts):
        _say("lab:")
        try:
            deploys.ready(_say)
        except VoxgateError as error:
            _say(f"  the lab is not deployed: {error.text[-1500:]}")
            return 1
    failed = []
    for name in parts:
        _say(f"{name}:")
        began, load = time.monotonic(), os.getloadavg()[1]
        try:
            rounds, part = PARTS[name]
            far = asked.ms or ((0, 100) if asked.quick else FAR)
            found = part(Asked(asked.rounds or (1 if asked.quick else rounds), asked.quick, asked.hosts, far, _say))
        except VoxgateError as error:
            failed.append(name)
            _say(f"  {name} could not be measured: {error.text[-1500:]}")
            continue
        taken = datetime.now(UTC).isoformat(timespec="seconds")
        loads = [round(load, 1), round(os.getloadavg()[1], 1)]
        about = {"taken": taken, "quick": asked.quick, "took": round(time.monotonic() - began), "load": loads}
        row = {**found, **about}
        _write(_with(page.NUMBERS, name, row), keep=not asked.quick)
    _say(f"{OUT}{'' if asked.quick else f', {page.NUMBERS}, {page.DOCS}/PERFORMANCE.md'}")
    return 1 if failed else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}; all of them without any")
    parser.add_argument("--quick", action="store_true", help="once each, the first three parts, and no page is written")
    parser.add_argument("--hosts", type=int, nargs="+", default=[], metavar="N", help="fleet hosts, for judging and scale")
    parser.add_argument(
        "--ms", type=int, nargs="+", default=[], metavar="N", help="round trip times, for distance and deploy-far"
    )
    parser.add_argument("--rounds", type=int, default=0, metavar="N", help="so many of each, in place of what each part has")
    return parser


def _with(path: Path, name: str, row: dict[str, Any]) -> dict[str, Any]:
    """What is kept of the runs before, with one part of now."""
    kept: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {"parts": {}}
    parts = {**kept["parts"], name: row}
    machine = {"processors": os.cpu_count(), "python": platform.python_version()}
    return {"format": FORMAT, "machine": machine, "parts": {name: parts[name] for name in PARTS if name in parts}}


def _write(numbers: dict[str, Any], *, keep: bool) -> None:
    text = json.dumps(numbers, indent=1) + "\n"
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(text)
    if keep:
        page.NUMBERS.write_text(text)
        page.write(numbers)


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main([word for said in sys.argv[1:] for word in shlex.split(said)]))
