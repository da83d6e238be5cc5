"""A large estate made of a small one's evidence: the lab's, with its second fleet host again and again under other names."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from bench.processes import ROOT

SAVED = ROOT / "tests" / "unit" / "evidence"
LIKE, OWN = "fleet-2", 2  # the host that is told again, and the fleet hosts that are there
ADDRESS, ADDRESS6 = "198.51.100.32", "fd56:766f:7867::32"


def address_of(number: int) -> str:
    """The address of a further fleet host: none of the lab's network."""
    return f"10.40.{number // 200}.{number % 200 + 1}"


def renamed(text: str, number: int) -> str:
    """What is told of the second fleet host, as if another one said it."""
    text = re.sub(r"\bfleet-2(?![0-9])", f"fleet-{number}", text)
    text = re.sub(rf"{re.escape(ADDRESS)}(?![0-9])", address_of(number), text)
    return text.replace(ADDRESS6, f"fd56:766f:7867::{number:x}:32")


def multiplied(folder: Path, hosts: int, saved: Path = SAVED) -> Path:
    """Write ``evidence/`` and ``hosts/`` of an estate with so many fleet hosts (at least two) below ``folder``. The evidence's
    folder; the estate is ``folder/hosts/lab.toml``.
    """
    further = range(OWN + 1, hosts + 1)
    shutil.copytree(saved, folder / "evidence")
    for look in ("first", "second"):
        there = folder / "evidence" / look
        like = (there / "hosts" / f"{LIKE}.json").read_text()
        for number in further:
            (there / "hosts" / f"fleet-{number}.json").write_text(renamed(like, number))
        answers = json.loads((there / "answers.json").read_text())
        answers["answers"] = list(_answers(answers["answers"], further))
        (there / "answers.json").write_text(json.dumps(answers))
        for path in (there / "hosts" / "data.json", there / "hosts" / "api-1.json"):
            path.write_text(json.dumps(_repeated(json.loads(path.read_text()), further)))
    _estate(folder, further)
    return folder / "evidence"


def _answers(rows: Iterable[dict[str, Any]], further: Iterable[int]) -> Iterator[dict[str, Any]]:
    """Each answer, those of the second fleet host's own ports again for the others; the fleet's sum is of all."""
    for row in rows:
        summed = _summed(row, further)
        yield summed
        if row["question"]["host"] == LIKE and row["question"]["port"] > 8100:  # noqa: PLR2004 - its workers' own
            for number in further:
                told = json.loads(renamed(json.dumps(row), number))
                yield told if summed is row else {**told, "body": summed["body"]}


def _summed(row: dict[str, Any], further: Iterable[int]) -> dict[str, Any]:
    body = row.get("body")
    if not isinstance(body, str) or '"fleet_available"' not in body:
        return row
    page = json.loads(body)
    mine = [name.partition("/")[2] for name in page["workers"] if name.startswith(f"{LIKE}/")]
    workers = [*page["workers"], *(f"fleet-{number}/{worker}" for number in further for worker in mine)]
    total = {"worker_max": len(workers), "fleet_available": len(workers), "workers": workers}
    return {**row, "body": json.dumps({**page, **total})}


def _repeated(value: Any, further: Iterable[int]) -> Any:
    """A document in which each row of a list that is about the second fleet host (a server of HAProxy's, a connection) is there
    for the others too.
    """
    if isinstance(value, dict):
        return {key: _repeated(one, further) for key, one in value.items()}
    if not isinstance(value, list):
        return value
    rows = []
    for one in value:
        rows.append(_repeated(one, further))
        text = json.dumps(one)
        if isinstance(one, dict) and (f'"{LIKE}-' in text or f'"{ADDRESS}"' in text or f'"{ADDRESS}:' in text):
            rows += [json.loads(renamed(text, number)) for number in further]
    return rows


def _estate(folder: Path, further: Iterable[int]) -> None:
    """``hosts/`` as the lab's, with the hosts that are further; the keys are those that the evidence has, whoever's they are."""
    shutil.copytree(ROOT / "hosts" / "units", folder / "hosts" / "units")
    shutil.copy(ROOT / "hosts" / "services.toml", folder / "hosts")
    keys = json.loads((folder / "evidence" / "second" / "hosts" / "data.json").read_text())["sections"]["keys"]["value"]
    by: dict[str, list[str]] = {}
    for row in keys["keys"]:
        by.setdefault(row["user"], []).append(row["fingerprint"])
    text = re.sub(r"(?ms)^#:schema .*?\n|^\[keys\].*?(?=^\[|\Z)", "", (ROOT / "hosts" / "lab.toml").read_text())
    text += "".join(f'\n[hosts.fleet-{n}]\naddress = "{address_of(n)}"\nroles = ["fleet"]\nworkers = 3\n' for n in further)
    text += "\n[keys]\n" + "".join(f"{user} = {json.dumps(list(dict.fromkeys(prints)))}\n" for user, prints in by.items())
    (folder / "hosts" / "lab.toml").write_text(text)
