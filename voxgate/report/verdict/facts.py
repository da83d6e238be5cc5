"""The fleet while it was rolled, how long units were away, and the run before, as ``verdict.json`` says them, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from voxgate.model.run_facts import Compared, Gap, How, Like, Roll


def roll_row(roll: Roll | None) -> dict[str, int | None] | None:
    """As JSON; None where the fleet was not rolled."""
    return None if roll is None else {"workers": roll.workers, "lowest": roll.lowest, "calls_cut": roll.calls_cut}


def roll_of(row: Mapping[str, Any] | None) -> Roll | None:
    """The same back."""
    return None if row is None else Roll(row["workers"], row["lowest"], row["calls_cut"])


def gap_row(gap: Gap) -> dict[str, Any]:
    """As JSON."""
    seconds = None if gap.seconds is None else round(gap.seconds, 3)
    where = {"service": gap.service, "host": gap.host, "unit": gap.unit}
    return {**where, "stopped": round(gap.stopped, 3), "seconds": seconds, "rollback": gap.rollback}


def gap_of(row: Mapping[str, Any]) -> Gap:
    """The same back."""
    seconds = None if row["seconds"] is None else float(row["seconds"])
    return Gap(row["service"], row["host"], row["unit"], float(row["stopped"]), seconds, row["rollback"])


def compared_row(compared: Compared | None) -> dict[str, Any] | None:
    """As JSON; None where there is no run to compare with."""
    if compared is None:
        return None
    like = compared.like
    return {
        "run": compared.run,
        "how": compared.how.value,
        "verdict": compared.verdict,
        "red": list(compared.red),
        "green": list(compared.green),
        "settings": [{"service": service, "new": list(new), "gone": list(gone)} for service, new, gone in compared.settings],
        "like": like and {"run": like.run, "seconds": round(like.seconds, 3), "fleet": roll_row(like.fleet)},
    }


def compared_of(row: Mapping[str, Any] | None) -> Compared | None:
    """The same back."""
    if row is None:
        return None
    like, settings = row["like"], row["settings"]
    return Compared(
        run=row["run"],
        how=How(row["how"]),
        verdict=row["verdict"],
        red=tuple(row["red"]),
        green=tuple(row["green"]),
        settings=tuple((one["service"], tuple(one["new"]), tuple(one["gone"])) for one in settings),
        like=like and Like(like["run"], float(like["seconds"]), roll_of(like["fleet"])),
    )
