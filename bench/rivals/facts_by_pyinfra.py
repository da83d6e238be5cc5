"""The facts by pyinfra: its own facts, and commands where it has none."""

from __future__ import annotations

import json
import os
import shlex
from pathlib import Path

from pyinfra import host
from pyinfra.facts.files import Directory, File
from pyinfra.facts.server import Command
from pyinfra.facts.systemd import SystemdStatus

mine = json.loads(Path(os.environ["BENCH_FACTS"]).read_text())[host.name]
wrong = []

units = host.get_fact(SystemdStatus, services=mine["units"]) if mine["units"] else {}
wrong += [unit for unit in mine["units"] if not units.get(unit)]
listening = host.get_fact(Command, "ss -Hltn") or ""
wrong += [port for port in mine["ports"] if f":{port['port']} " not in listening]
for page in mine["pages"]:
    said = host.get_fact(Command, f"busybox wget -q -T 3 -O /dev/null {shlex.quote(page)} && echo answers")
    wrong += [] if said == "answers" else [page]
for row in mine["files"]:
    fact = host.get_fact(File if row["path"].endswith("/.env") else Directory, row["path"])
    found = (fact["user"], str(fact["mode"])) if fact else None
    wrong += [] if found == (row["owner"], row["mode"]) else [f"{row} {found}"]
for row in mine["commits"]:
    said = host.get_fact(Command, f"git -C {shlex.quote(row['folder'])} rev-parse HEAD")
    wrong += [] if said == row["commit"] else [row["folder"]]
if wrong:
    raise SystemExit(f"{host.name}: {wrong}")
