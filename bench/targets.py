"""What must be reached, each target with what was measured: a row of the first table of docs/PERFORMANCE.md."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from bench.distance import DIALLER, FLOOR, LOOK
from bench.tables import met, number, plain, seconds
from voxgate.model.counting import counted

LOOK_RATIO = 1.25
DIALLER_SECONDS = 1.5
ROUND_TRIPS = 4.0
MS_A_TEST = 1.5
SCALE_HOSTS, SCALE_SECONDS, SCALE_MB = 200, 60.0, 1000.0
PROBE_CPU, PROBE_CPU_FOLDERS = 0.25, 0.3
MOVE_TRIPS, DEPLOY_LOSES = 6.0, 8.0
NOT_YET = "not measured yet"
# By a profile of each, once: what is measured here is the whole.
WHERE_A_TEST = (
    "a quarter of it the rules themselves, a third what is kept, cut and written for the report, the rest pytest's hooks"
)
WHERE_ROUND_TRIPS = (
    "by a trace at 200 ms the longest way is a database's, in each of two looks: a turn of its own 3, a port that answers 1, two "
    "logins 5, its list of clients 4, in the second what the dialler wrote 4, the end 1; then the state of the hosts, 4"
)
WHERE_A_PROBE = (
    "of 0.62 s with three workers are 0.1 s Python's start, 0.14 s packages and uv's own check, 0.08 s the search for copies, "
    "0.06 s systemd's answers, 0.06 s what starts by itself; no other part is over 0.03 s"
)


IDLE = {
    "near": "1.8 x (6.4 s beside 2.55 + 0.99)",
    "dialler": "2.9 s",
    LOOK: "+11 (20 beside 9)",
    DIALLER: "+14 (23 beside 9)",
    "judging": "5 to 7 ms",
    "scale": "",
    "workers": "0.45 to 0.58 s, of three workers",
    "folders": "blind from 250,000 on",
    "deploy": "21 s",
    "moves": "restart 3.2; health not told apart",
    "deploy-far": "9.90 s (49.5 round trips)",
}
"""The first measurement of each, on an idle machine of the same size: what is gained is gained since then."""


class Target(NamedTuple):
    """One row: what is wanted, what it was at first, what was seen now, and whether that is so, or why not."""

    wanted: str
    before: str
    measured: str
    outcome: str


def targets(parts: Mapping[str, Any]) -> Iterator[Target]:
    """All of them, in their order; of a part that was not measured the row says that."""
    yield from _near(parts.get("tools"))
    yield from _far(parts.get("distance"))
    yield from _judged(parts.get("judging"))
    yield from _many(parts.get("scale"))
    yield from _felt(parts.get("calls"), parts.get("folders"))
    yield from _deployed(parts.get("deploy"))
    yield from _deployed_far(parts.get("deploy-far"))


def _near(part: Mapping[str, Any] | None) -> Iterator[Target]:
    look = f"a look takes at most {LOOK_RATIO} x (floor + bare pytest)"
    one = f"`-m dialler` takes at most {DIALLER_SECONDS} s beyond bare pytest"
    if part is None:
        yield Target(look, IDLE["near"], NOT_YET, "")
        yield Target(one, IDLE["dialler"], NOT_YET, "")
        return
    ratio, beyond = part["look_of_floor_and_bare"], part["dialler_beyond_bare"]
    took = {row["name"]: row for row in part["ways"]}
    yield Target(look, IDLE["near"], plain(ratio, " x"), met(ratio["median"], LOOK_RATIO, _where(took[LOOK])))
    yield Target(one, IDLE["dialler"], seconds(beyond), met(beyond["median"], DIALLER_SECONDS, _where(took[DIALLER])))


def _where(row: Mapping[str, Any]) -> str:
    """Where the seconds of a look go, as far as that is measured."""
    own, all_of_it = row["cpu"]["median"], row["seconds"]["median"]
    return f"of {number(all_of_it)} s are {number(own)} s the gate's own processor time, 1.3 s the wait between its two looks"


def _far(part: Mapping[str, Any] | None) -> Iterator[Target]:
    trips = {row["name"]: row["round_trips"] for row in part["ways"]} if part else {}
    for name in (LOOK, DIALLER):
        wanted = f"`{name}`: at most {ROUND_TRIPS:g} round trips in a row more than one ssh command"
        if not trips:
            yield Target(wanted, IDLE[name], NOT_YET, "")
            continue
        if trips[name] is None or trips[FLOOR] is None:
            said = f"turns on a connection, at most: {_turns(part, name)}; beside {_turns(part, FLOOR)} of the floor"
            yield Target(wanted, IDLE[name], said, "not measured: one distance has no slope, and the machine's load hid it")
            continue
        more = trips[name] - trips[FLOOR]
        spoke = f"the gate spoke after having heard something, on each connection at most: {_turns(part, name)}"
        why = f"{WHERE_ROUND_TRIPS}; {spoke}"
        yield Target(
            wanted, IDLE[name], f"{more:+.1f} ({trips[name]:.1f} beside {trips[FLOOR]:.1f})", met(more, ROUND_TRIPS, why)
        )


def _turns(part: Mapping[str, Any] | None, name: str) -> str:
    rows = {row["name"]: row["turns"] for row in part["ways"]} if part else {}
    return ", ".join(f"{host} {turns}" for host, turns in rows[name].items())


def _judged(part: Mapping[str, Any] | None) -> Iterator[Target]:
    wanted = f"at most {MS_A_TEST} ms of processor a judged test beyond bare pytest, flat in the number of hosts"
    if part is None:
        yield Target(wanted, IDLE["judging"], NOT_YET, "")
        return
    said = ", ".join(f"{row['hosts']} hosts: {number(row['ms_a_test']['median'])} ms" for row in part["sizes"])
    more = part["ms_of_one_more_test"]
    why = f"each further test costs {number(more)} ms: {WHERE_A_TEST}" if more is not None else ""
    yield Target(wanted, IDLE["judging"], said, met(max(row["ms_a_test"]["median"] for row in part["sizes"]), MS_A_TEST, why))


def _many(part: Mapping[str, Any] | None) -> Iterator[Target]:
    wanted = f"200 hosts x 20 workers looked at and judged in under {SCALE_SECONDS:.0f} s and {SCALE_MB / 1000:g} GB"
    if part is None:
        yield Target(wanted, IDLE["scale"], NOT_YET, "")
        return
    row = max(part["looks"], key=lambda one: one["hosts"])
    said = f"{row['hosts']} hosts, {row['judged']:,} judged: {number(row['seconds'])} s, {number(row['mb'])} MB"
    good = row["seconds"] <= SCALE_SECONDS and row["mb"] <= SCALE_MB
    if row["hosts"] < SCALE_HOSTS:
        yield Target(wanted, IDLE["scale"], said, "not measured at that size yet")
        return
    least = min(part["looks"], key=lambda one: one["hosts"])
    each, few = (one["cpu"] / one["judged"] * 1000 for one in (row, least))
    why = f"{number(row['cpu'])} s of it are the gate's own processor time, in one process: {number(each)} ms a judgement"
    why += f" ({number(few)} ms with {least['hosts']} hosts), more than the target has for all of it on two processors"
    yield Target(wanted, IDLE["scale"], said, "**met**" if good else f"not met: {why}")


def _felt(part: Mapping[str, Any] | None, many: Mapping[str, Any] | None) -> Iterator[Target]:
    workers = f"the probe takes at most {PROBE_CPU} s of processor on a fleet host with 20 workers"
    folders = f"the probe takes at most {PROBE_CPU_FOLDERS} s of processor on a host with 500,000 folders (second look)"
    if part is None:
        yield Target(workers, IDLE["workers"], NOT_YET, "")
    else:
        cpu = sorted(row["cpu"] for row in part["next"] if row["cpu"] is not None)
        middle = cpu[len(cpu) // 2] if cpu else float("inf")
        yield Target(workers, IDLE["workers"], f"{number(middle)} s ({len(cpu)} looks)", met(middle, PROBE_CPU, WHERE_A_PROBE))
    if many is None:
        yield Target(folders, IDLE["folders"], NOT_YET, "")
        return
    second = many["looks"][min(1, len(many["looks"]) - 1)]
    blind = f"; blind: {', '.join(second['blind'])}" if second["blind"] else ""
    said = f"{number(second['cpu'])} s{blind}" if second["cpu"] is not None else f"no answer{blind}"
    good = second["cpu"] is not None and not blind and second["cpu"] <= PROBE_CPU_FOLDERS
    why = f": only to see of each when it was changed takes Python {number(many['seen'])} s there" if "seen" in many else ""
    yield Target(folders, IDLE["folders"], said, "**met**" if good else f"not met{why}")


def _deployed(part: Mapping[str, Any] | None) -> Iterator[Target]:
    wanted = "a deploy of all (warm) and the time in which nobody dials, as numbers"
    if part is None:
        yield Target(wanted, IDLE["deploy"], NOT_YET, "")
        return
    gaps = f", nobody dials for {seconds(part['gaps'])}" if part["gaps"] else ", and no gap is told"
    moves = {move: spread["median"] for move, spread in part["moves"].items()}
    where = "measured"
    if {"restart", "install"} <= moves.keys():
        where += f": {number(moves['restart'])} s of it from the first restart to the last, as workers go one after the other, "
        where += f"{number(moves['install'])} s seeing that nothing is to be installed; the rest is looking and judging"
    yield Target(wanted, IDLE["deploy"], f"{seconds(part['seconds'])}{gaps}, of {counted(part['deploys'], 'deploy')}", where)


def _deployed_far(part: Mapping[str, Any] | None) -> Iterator[Target]:
    moves = f"a move of a deploy: at most {MOVE_TRIPS:g} round trips in a row"
    loses = f"`make gate SERVICE=backend` loses at most {DEPLOY_LOSES:g} s at 200 ms"
    trips = {move: trips for move, trips in part["moves"].items() if trips is not None} if part else {}
    if part is None or not trips:
        yield Target(moves, IDLE["moves"], NOT_YET, "")
        yield Target(loses, IDLE["deploy-far"], NOT_YET, "")
        return
    said = ", ".join(f"{move} {trips[move]:.1f}" for move in trips)
    yield Target(moves, IDLE["moves"], said, met(max(trips.values()), MOVE_TRIPS))
    lost = part["round_trips"] * 0.2
    at = ", ".join(f"{one['ms']:g} ms: {number(one['seconds']['median'])} s" for one in part["at"])
    said = f"{number(lost)} s: {part['round_trips']:.1f} round trips in a row ({at})"
    yield Target(loses, IDLE["deploy-far"], said, met(lost, DEPLOY_LOSES))
