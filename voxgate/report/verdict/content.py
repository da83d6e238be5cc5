"""What a release brings, as ``verdict.json`` says it, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from voxgate.model.content import Commit, Commits, Content, Direction, Files, Package, Packages, Settings


def content_row(content: Content | None) -> dict[str, Any] | None:
    """As JSON; None where nothing was to be put there."""
    if content is None:
        return None
    packages, settings = content.packages, content.settings
    return {
        "way": content.way.value,
        "why": content.why,
        "brought": _commits(content.brought),
        "taken": _commits(content.taken),
        "files": {"added": content.files.added, "changed": content.files.changed, "deleted": content.files.deleted},
        "packages": {
            "count": packages.count,
            "shown": [{"lock": one.lock, "name": one.name, "before": one.before, "now": one.now} for one in packages.shown],
            "unread": list(packages.unread),
        },
        "settings": {
            "of": settings.of,
            "new": list(settings.new),
            "gone": list(settings.gone),
            "required": list(settings.required),
            "unknown": list(settings.unknown),
        },
    }


def content_of(row: Mapping[str, Any] | None) -> Content | None:
    """The same back."""
    if row is None:
        return None
    packages, settings = row["packages"], row["settings"]
    return Content(
        way=Direction(row["way"]),
        why=row["why"],
        brought=_read_commits(row["brought"]),
        taken=_read_commits(row["taken"]),
        files=Files(**row["files"]),
        packages=Packages(packages["count"], tuple(Package(**one) for one in packages["shown"]), tuple(packages["unread"])),
        settings=Settings(
            settings["of"],
            tuple(settings["new"]),
            tuple(settings["gone"]),
            tuple(settings.get("required", ())),  # an earlier one does not say it
            tuple(settings.get("unknown", ())),
        ),
    )


def _commits(commits: Commits) -> dict[str, Any]:
    rows = [
        {"commit": one.commit, "subject": one.subject, "author": one.author, "at": one.at, "url": one.url}
        for one in commits.shown
    ]
    return {"count": commits.count, "shown": rows}


def _read_commits(row: Mapping[str, Any]) -> Commits:
    return Commits(row["count"], tuple(Commit(**one) for one in row["shown"]))
