"""docs/PERFORMANCE.md and its pictures, from numbers that were kept: ``python -m bench.page`` writes them, pure but for that."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from bench import distance, plots, tools
from bench.gains import GAINS, TRIED
from bench.processes import ROOT
from bench.tables import number, plain, seconds, table
from bench.targets import targets
from voxgate.model.counting import counted

NUMBERS = ROOT / "bench" / "numbers.json"
DOCS = ROOT / "docs"
# What CI's own log says of a whole run, on two processors; lanes run side by side.
OWN_TESTS = (
    ("lint and unit tests", 470, "`make lint unit`, at once"),
    ("the lab end to end", 2944, "one lab, beside another; CI tries a third of each of these at a time"),
    ("252 faults", 2053, "`make faults`, beside another lab"),
    ("166 ordinary things", 428, "`make ordinary`, beside another lab"),
    ("69 drills", 3190, "`make drills`, of two labs together"),
)
HEAD = """\
# How long it takes

Made by `make bench` from measurements; `bench/numbers.json` has all of them. **Ratios count, seconds do not**: what is
compared took turns in one run on one machine (A B C A B C ...), whose other work slowed all of it alike. Each number is a
median; the least and the most of its runs stand in brackets.
"""


def page(numbers: Mapping[str, Any]) -> str:
    """The whole page as Markdown."""
    parts = numbers["parts"]
    sections = [HEAD, _taken(numbers), _targets(parts)]
    for name, section in (
        ("tools", _tools),
        ("distance", _distance),
        ("judging", _judging),
        ("scale", _scale),
        ("calls", _calls),
        ("folders", _folders),
        ("deploy", _deploy),
        ("deploy-far", _deploy_far),
    ):
        if name in parts:
            sections.append("\n".join(section(parts[name])))
    sections += [_gained(), _own()]
    return "\n".join(section.rstrip() + "\n" for section in sections)


def pictures(numbers: Mapping[str, Any]) -> dict[str, str]:
    """The SVG files beside it, by name."""
    parts, found = numbers["parts"], {}
    if "tools" in parts:
        rows = parts["tools"]["ways"]
        found["performance-tools.svg"] = plots.bars(
            "The lab, by each tool",
            "times the floor: one ssh command a host, all at once; the thin line: from the least to the most",
            [_bar(row) for row in rows if row["name"] != tools.FLOOR],
            "x",
        )
    if "distance" in parts and len(parts["distance"]["ways"][0]["at"]) > 1:
        found["performance-distance.svg"] = plots.lines(
            "Over a distance",
            "seconds by round trip time, the median of each; the steeper, the more round trips follow one another",
            [
                plots.Line(row["name"], tuple((one["ms"], one["seconds"]["median"]) for one in row["at"]))
                for row in parts["distance"]["ways"]
                if row["name"] != distance.TESTINFRA  # it would leave the others no room; it stands in the table
            ],
            "ms round trip",
            "s",
        )
    if "judging" in parts:
        sizes = parts["judging"]["sizes"]
        found["performance-judging.svg"] = plots.lines(
            "Judging alone",
            "seconds of processor by judged tests, no host asked",
            [
                plots.Line("judged", tuple((row["tests"], row["cpu"]["median"]) for row in sizes)),
                plots.Line("as many empty tests", tuple((row["tests"], row["bare_cpu"]["median"]) for row in sizes)),
            ],
            "tests",
            "s",
        )
    return found


def _bar(row: Mapping[str, Any]) -> plots.Bar:
    floors = row["floors"]
    said = f"{row['judged']} judged" if row["judged"] else ""
    return plots.Bar(row["name"], floors["median"], floors["least"], floors["most"], said)


def _taken(numbers: Mapping[str, Any]) -> str:
    machine = numbers["machine"]
    rows = []
    for name, part in numbers["parts"].items():
        rows.append([name, part["taken"][:10], f"{part['load'][0]:.0f} .. {part['load'][1]:.0f}", "yes" if part["quick"] else ""])
    return (
        f"The machine has {machine['processors']} processors, which the lab's own hosts and other work share; Python "
        f"{machine['python']}. Where its load average is far above {machine['processors']}, each new process waits long, and so "
        "whatever starts many (`ssh` for each question, workers of a pool) looks worse than on an idle one; where it counts, "
        "processor time stands beside.\n\n"
        f"{table(['part', 'taken', 'load average, begin .. end', '`--quick`'], rows, words=2)}\n"
    )


def _targets(parts: Mapping[str, Any]) -> str:
    rows = [list(one) for one in targets(parts)]
    return f"## Targets\n\n{table(['target', 'at first, idle', 'measured', 'outcome'], rows, words=4)}\n"


def _tools(part: Mapping[str, Any]) -> Iterator[str]:
    yield "## Beside other tools, no distance\n"
    yield "![times the floor, by tool](performance-tools.svg)\n"
    rows = [
        [
            row["name"],
            plain(row["floors"], " x"),
            seconds(row["seconds"]),
            f"{number(row['cpu']['median'])} s",
            str(row["judged"] or ""),
        ]
        for row in part["ways"]
    ]
    yield table(["what", "times the floor", "seconds", "processor here", "facts judged"], rows)
    yield ""
    yield from (f"* {row['name']}: {row['about']}{_blind(row)}." for row in part["ways"])
    yield ""
    yield (
        "The other tools judge the same facts, in `bench/rivals/`: units are active, their ports listen, their pages answer, "
        "owner and mode of "
        f"folders and `.env`, the commit of each checkout. None of them looks at: {tools.OTHERS}. Each run of each tool begins "
        f"with no connection. "
        f"{part['rounds']} rounds."
    )


def _blind(row: Mapping[str, Any]) -> str:
    return f"; {row['blind_to']}" if row["blind_to"] else ""


def _distance(part: Mapping[str, Any]) -> Iterator[str]:
    yield "## Over a distance\n"
    if len(part["ways"][0]["at"]) > 1:
        yield "![seconds by round trip time](performance-distance.svg)\n"
    distances = list(dict.fromkeys(one["ms"] for row in part["ways"] for one in row["at"]))
    rows = []
    for row in part["ways"]:
        at = {one["ms"]: one["seconds"] for one in row["at"]}
        cells = [number(at[ms]["median"]) if ms in at else "" for ms in distances]
        rows.append([row["name"], _of(row["round_trips"]), str(max(row["turns"].values())), str(row["connections"]), *cells])
    yield table(["what", "round trips in a row", "turns", "connections", *(f"{ms:g} ms" for ms in distances)], rows)
    yield ""
    yield (
        "A relay that delays stands before the sshd of each host and of the forge (`bench/relay.py`). Round trips in a row are "
        "the slope of "
        "the quickest run over the distance: what each more millisecond costs. A TCP handshake is one of them. Turns are how "
        "often the gate spoke after having heard something, on the connection with the most: what is asked at once shares a "
        "round "
        "trip, and each may be a turn."
    )


def _judging(part: Mapping[str, Any]) -> Iterator[str]:
    yield "## Judging alone\n"
    yield "![seconds of processor by tests](performance-judging.svg)\n"
    rows = [
        [
            f"{row['hosts']} fleet hosts x 3 workers",
            f"{row['tests']:,}",
            plain(row["ms_a_test"], " ms"),
            f"{number(row['cpu']['median'])} s",
            f"{number(row['bare_cpu']['median'])} s",
        ]
        for row in part["sizes"]
    ]
    yield table(["evidence of", "judged", "a test, beyond bare pytest", "processor", "as many empty tests"], rows)
    yield ""
    yield (
        "Saved evidence of the lab, one fleet host told again under other names (`bench/many.py`); starting and reporting "
        "are in it."
    )


def _scale(part: Mapping[str, Any]) -> Iterator[str]:
    yield "## Many hosts\n"
    rows = [
        [
            f"{row['hosts']} hosts x {row['workers']} workers{row['as']}",
            f"{row['judged']:,}",
            f"{number(row['seconds'])} s",
            f"{row['counts']['holds']:,}",
            f"{number(row['cpu'])} s" if row["cpu"] is not None else "",
            f"{number(row['mb'])} MB",
        ]
        for row in part["looks"]
    ]
    yield table(["looked at", "judged", "seconds", "hold", "processor", "memory"], rows)
    yield ""
    yield (
        "Real sshd, the real transport: each host is a network namespace with an sshd and a host key of its own, whose sudo "
        "plays the answer that the probe of a lab host gave, signed anew for each question (`bench/player.py`); its workers' "
        "pages are played too. What is not played is the hosts' own record of what was deployed, so the rules that need it do "
        "not hold. All of them, and what plays them, share the processors with the look."
    )
    if part.get("one_command"):
        rows = [[row["name"], str(row["hosts"]), seconds(row["seconds"])] for row in part["one_command"]]
        yield f"\nOne command on each:\n\n{table(['tool', 'hosts', 'seconds'], rows)}"


def _calls(part: Mapping[str, Any]) -> Iterator[str]:
    yield "## Never felt by a call\n"
    rows = []
    for name in ("without", "with"):
        seen = part[name]
        cells = [f"{seen['p50']:.1f} ms", f"{seen['p99']:.1f} ms", f"{seen['most']:.0f} ms"]
        rows.append([f"{name} looks", f"{seen['answers']:,}", *cells, str(seen["lost"])])
    yield table([f"`/health` of {part['pages']} workers", "answers", "p50", "p99", "slowest", "lost"], rows)
    yield ""
    yield (
        f"{part['looks']} looks in a row, in {number(part['seconds'])} s, with twenty workers on one host. The looks themselves "
        f"run on the "
        "processors that the workers of the lab have, which a gate elsewhere would not."
    )
    rows = [["20 workers, first look", _cpu(part["first"])]]
    rows += [[f"20 workers, look {at + 2}", _cpu(row)] for at, row in enumerate(part["next"][:2])]
    yield f"\n{table(['a host with', 'processor of its probe'], rows)}"


def _folders(part: Mapping[str, Any]) -> Iterator[str]:
    yield "## A host with many folders\n"
    rows = [[f"{part['count']:,} folders, look {at + 1}", _cpu(row)] for at, row in enumerate(part["looks"])]
    yield table(["a host with", "processor of its probe"], rows)


def _cpu(row: Mapping[str, Any]) -> str:
    blind = f" (blind: {', '.join(row['blind'])})" if row["blind"] else ""
    return f"{number(row['cpu'])} s{blind}" if row["cpu"] is not None else f"no answer{blind}"


def _deploy(part: Mapping[str, Any]) -> Iterator[str]:
    yield "## A deploy\n"
    rows = [["all of it", seconds(part["seconds"])]]
    rows += [[f"{move}, from first to last", seconds(spread)] for move, spread in part["moves"].items()]
    rows.append(["nobody dials", seconds(part["gaps"]) if part["gaps"] else "not told by the verdict"])
    rows += [[f"a unit of {service} is away", seconds(spread)] for service, spread in part.get("away", {}).items()]
    yield table([f"`make gate`, warm, {counted(part['deploys'], 'deploy')}", "seconds"], rows)
    yield ""
    yield f"{part['judged']} judgements each. What is not in a move is looking, judging and reporting, before and after."


def _deploy_far(part: Mapping[str, Any]) -> Iterator[str]:
    yield "## A deploy over a distance\n"
    times = [f"{one['ms']:g} ms" for one in part["at"]]
    rows = [["all of it", _of(part["round_trips"]), *(seconds(one["seconds"]) for one in part["at"])]]
    rows += [[move, _of(trips), *("" for _ in times)] for move, trips in part["moves"].items()]
    yield table([f"`make gate SERVICE={part['service']}`, warm", "round trips in a row", *times], rows)
    yield ""
    yield (
        f"By the relay of the table of looks, {part['rounds']} deploys at each distance; round trips are the slope of the "
        "quickest ones."
    )


def _of(trips: float | None) -> str:
    return "not measured" if trips is None else f"{trips:.1f}"


def _gained() -> str:
    rows = [[one.change, one.what, one.before, one.after] for one in GAINS]
    left = table(["tried, and left", "measured"], list(map(list, TRIED)))
    return f"## What each change gained\n\n{table(['change', 'measured', 'before', 'after'], rows)}\n\n{left}\n"


def _own() -> str:
    rows = [[name, f"{took:,} s", about] for name, took, about in OWN_TESTS]
    return f"## Our own tests\n\n{table(['what CI runs', 'seconds', 'how'], rows)}\n"


def write(numbers: Mapping[str, Any], docs: Path = DOCS) -> None:
    """The page and its pictures; a picture of what is not measured any more goes."""
    found = {"PERFORMANCE.md": page(numbers), **pictures(numbers)}
    for path in docs.glob("performance-*.svg"):
        if path.name not in found:
            path.unlink()
    for name, text in found.items():
        (docs / name).write_text(text)


if __name__ == "__main__":
    write(json.loads(NUMBERS.read_text()))
