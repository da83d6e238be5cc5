"""Allure's raw files: how one is written, and found again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

from attr import asdict

from voxgate.redaction.cutting import Redactor


def write_item(folder: Path, item: Any, redactor: Redactor) -> Path:
    """Write a result, container or globals of allure's model, cut: whole or not at all. Returns the file."""
    name: str = item.file_pattern.format(prefix=getattr(item, "uuid", None) or uuid4())
    document = redactor.cut_document(asdict(item, filter=lambda _attribute, value: bool(value) or value is False))
    fresh = folder / f"{name}.tmp"
    fresh.write_text(json.dumps(document, ensure_ascii=False), "utf-8")
    path = folder / name
    fresh.replace(path)
    return path


def results(folder: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Every result in the folder. One that cannot be read is passed over: it was being written when its process died."""
    for path in sorted(folder.glob("*-result.json")):
        try:
            document = json.loads(path.read_bytes())
        except (OSError, ValueError):
            continue
        if isinstance(document, dict):
            yield path, document


def label_of(result: dict[str, Any], name: str) -> str:
    """The first label of that name, empty if there is none."""
    return next((label["value"] for label in result.get("labels", ()) if label.get("name") == name), "")
