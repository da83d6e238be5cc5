"""Make ``tests/unit/evidence`` from a green look at the lab: ``python tests/unit/suites/trim.py reports/latest/evidence``.

Units that no invariant asks about are left out, as are the files of the site in the first look, and each file is one line.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent.parent / "evidence"
UNITS = ("vox", "ssh.service", "nginx.service", "haproxy.service", "docker.service", "redis", "mongod", "s3.service")
PROPERTIES = {
    "LoadState", "ActiveState", "SubState", "Result", "UnitFileState", "MainPID", "InvocationID", "NRestarts", "FragmentPath",
    "DropInPaths", "NeedDaemonReload", "Transient", "ExecStart",
}  # fmt: skip


def main(source: Path) -> None:
    """Copy, trimmed."""
    shutil.rmtree(HERE, ignore_errors=True)
    for path in sorted(source.rglob("*")):
        target = HERE / path.relative_to(source)
        if path.suffix == ".json":
            target.parent.mkdir(parents=True, exist_ok=True)
            document = trimmed(json.loads(path.read_text("utf-8")), path)
            target.write_text(json.dumps(document, separators=(",", ":")) + "\n", "utf-8")
        elif path.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)


def trimmed(document: dict[str, Any], path: Path) -> dict[str, Any]:
    """One file without what nobody asks about."""
    if path.parent.name == "hosts" and "sections" in document:
        units = document["sections"]["units"]["value"]
        kept = {name: fact for name, fact in units.items() if name.startswith(UNITS)}
        for fact in kept.values():
            fact["properties"] = {key: value for key, value in fact["properties"].items() if key in PROPERTIES}
        document["sections"]["units"]["value"] = kept
    if path.parent.name == "first" and "answers" in document:
        document["answers"] = [row for row in document["answers"] if row["question"]["port"] != 80]
    return document


if __name__ == "__main__":
    main(Path(sys.argv[1]))
