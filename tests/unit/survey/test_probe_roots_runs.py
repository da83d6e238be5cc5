"""What root runs by itself is asked who could change it: real crontabs, units and files of accounts."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.built import probe

from .conftest import service

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
GAMES = probe.pwd.getpwnam("games").pw_uid  # who runs the service here
NEWS = probe.pwd.getpwnam("news").pw_uid  # who has nothing to do with it


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder of root's, in it one of the service's account and one of another's, each with a program."""
    with tempfile.TemporaryDirectory(prefix="voxgate-", dir="/var/lib") as folder:
        top = Path(folder)
        top.chmod(0o755)
        for name, uid in (("own", GAMES), ("other", NEWS), ("roots", 0)):
            (top / name).mkdir()
            (top / name / "job").write_text("#!/bin/sh\ntrue\n")
            (top / name / "job").chmod(0o755)
            os.chown(top / name, uid, 0)
        yield top


def told(
    monkeypatch: pytest.MonkeyPatch, place: Path, *lines: str, where: str = "/etc/cron.d/x", user: str = "root"
) -> list[str]:
    """What is told of a job with these lines, without the folder that all of it lies in."""
    rows = [probe.Planned(where.format(place), user, line.format(place)) for line in lines]
    monkeypatch.setattr(probe, "cron_jobs", lambda: rows)
    for name in ("spooled_jobs", "user_units"):
        monkeypatch.setattr(probe, name, list)
    monkeypatch.setattr(probe, "unit_jobs", lambda *_: [])
    begun: set[str] = set()
    row = service(place)._replace(user="games", owner="man")
    planned = probe.Job(lambda: probe.jobs([row], None, None, begun))
    found: list[str] = probe.open_to_services([row], begun, [planned])
    return [one.removeprefix(f"{place}/") for one in found]


@pytest.mark.parametrize(
    "line",
    [
        "{0}/own/job -x",
        "cd / && nice -n 10 {0}/own/job >/dev/null 2>&1",
        "[ -x {0}/own/job ] && {0}/own/job",
        "sh -eu {0}/own/job",
        "flock -n /run/lock/x timeout 60 python3 -I {0}/own/job",
        'A=1 "{0}/own/job"',
        "{0}/roots/calls",
        "{0}/roots/link",
        "{0}/own/not-there-yet",
        "run-parts {0}/own",
        "sh -c '{0}/own/job'",
        "bash -euo pipefail -c 'cd /; if true; then A=1 {0}/own/job -x; fi'",
        "timeout -s KILL 60 {0}/own/job",
        "env -u HOME ionice -c idle command {0}/own/job",
        "x=`{0}/own/job`",
        "sh /dev/null; case x in x) {0}/own/job ;; esac",
        "cat <<END\nx\nEND\n{0}/own/job",
        "{0}/roots/is-read",
    ],
)
def test_what_a_service_s_account_could_change_of_what_root_starts_is_told(
    monkeypatch: pytest.MonkeyPatch, place: Path, line: str
) -> None:
    """That account would be root by the next run."""
    (place / "roots/calls").write_text(f"#!/bin/sh\nset -e\n{place}/own/job\n")
    (place / "roots/calls").chmod(0o755)
    (place / "roots/link").symlink_to("../own/job")
    (place / "roots/is-read").write_text(f"#!{place}/own/job -x\ntrue\n")
    (place / "roots/is-read").chmod(0o755)
    assert told(monkeypatch, place, line) == ["own"]


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("{0}/roots/chain", "own"),
        ("{0}/roots/folder/job", "own"),
        ("run-parts {0}/own/none", "own"),
        ("run-parts {0}/none", "none"),
        ("{0}/sticky/gone", "sticky"),
        ("sh {0}/sticky/gone/deep", "sticky"),
        ("{0}/sticky/link", "sticky/link"),
    ],
)
def test_nothing_is_hidden_by_what_lies_there_at_the_moment(
    monkeypatch: pytest.MonkeyPatch, place: Path, line: str, found: str
) -> None:
    """Its account sees the look begin: until it is over a link of its leads to what is root's, or nothing lies there."""
    (place / "roots/chain").symlink_to("../own/chain")
    (place / "own/chain").symlink_to("../roots/job")
    (place / "roots/folder").symlink_to("../own/folder")
    (place / "own/folder").symlink_to(place / "roots")
    for name in ("none", "sticky"):
        (place / name).mkdir()
    os.chown(place / "none", GAMES, 0)
    (place / "sticky").chmod(0o1777)
    (place / "sticky/link").symlink_to(place / "roots/job")
    os.lchown(place / "sticky/link", GAMES, 0)
    assert told(monkeypatch, place, line) == [found]


def test_a_loop_of_links_ends(monkeypatch: pytest.MonkeyPatch, place: Path) -> None:
    (place / "roots/one").symlink_to("two")
    (place / "roots/two").symlink_to("one/x")
    assert told(monkeypatch, place, "{0}/roots/one") == []


def test_a_file_itself_counts_and_who_may_write_it(monkeypatch: pytest.MonkeyPatch, place: Path) -> None:
    job = place / "roots/job"
    os.chown(job, GAMES, 0)
    assert told(monkeypatch, place, "{0}/roots/job") == ["roots/job"]
    os.chown(job, 0, probe.pwd.getpwnam("games").pw_gid)
    assert told(monkeypatch, place, "{0}/roots/job") == []
    job.chmod(0o775)
    assert told(monkeypatch, place, "{0}/roots/job") == ["roots/job"]
    os.chown(job, 0, 0)
    job.chmod(0o757)
    assert told(monkeypatch, place, "{0}/roots/job") == ["roots/job"]
    job.chmod(0o755)
    assert told(monkeypatch, place, "true", where="{0}/own/table") == ["own"]


@pytest.mark.parametrize(
    "line",
    [
        "{0}/roots/job",
        "{0}/other/job",
        "runuser -u games -- {0}/own/job",
        "su games -c 'cd {0}/own; {0}/own/job'",
        "find {0}/own -name x -delete; tar czf /tmp/x.tgz {0}/own/job; test -x {0}/own/job",
        "echo {0}/own/job",
        "{0}/sticky/job",
        "nice tar czf /var/backups/x.tgz {0}/own/job",
        "sh -c 'echo {0}/own/job'",
        "python3 -c {0}/own/job",
        "case x in x) true ;; esac; echo {0}/own/job",
        "cat <<END\n{0}/own/job\nEND",
    ],
)
def test_what_root_only_names_or_starts_as_its_owner_is_not(monkeypatch: pytest.MonkeyPatch, place: Path, line: str) -> None:
    (place / "sticky").mkdir()
    (place / "sticky").chmod(0o1777)
    (place / "sticky/job").write_text("#!/bin/sh\n")
    assert told(monkeypatch, place, line) == []


def test_a_job_of_the_accounts_own_is_its_own_matter(monkeypatch: pytest.MonkeyPatch, place: Path) -> None:
    assert told(monkeypatch, place, "{0}/own/job", user="games") == []


def test_unit_files_and_what_other_readers_start_count(monkeypatch: pytest.MonkeyPatch, place: Path) -> None:
    """Units of each kind, what is dropped in to one, and the folder where nothing is dropped in at the moment."""
    row = service(place)._replace(user="games", owner="man")
    begun = {f"{place}/own/gone", f"{place}/roots/job"}
    monkeypatch.setattr(probe, "UNIT_FOLDERS", (f"{place}/units", f"{place}/none"))
    for name in ("x.service", "x.service.d", "x.socket", "x.mount.d", "y.timer.wants"):
        (place / "units" / name).mkdir(parents=True)
    (place / "units/z.timer").write_text("[Timer]\n")
    (place / "units/x.service.d/a.conf").write_text("[Service]\n")
    assert probe.open_to_services([row], begun, []) == [f"{place}/own"]
    for name in ("x.mount.d", "z.timer", "x.service.d/a.conf"):
        os.chown(place / "units" / name, GAMES, 0)
    (place / "units/v.socket").symlink_to("../own/v.socket")
    assert probe.open_to_services([row], set(), []) == [
        f"{place}/own", *(f"{place}/units/{name}" for name in ("x.mount.d", "x.service.d/a.conf", "z.timer")),
    ]  # fmt: skip


def test_where_root_looks_for_programs_no_account_of_a_services_puts_one(monkeypatch: pytest.MonkeyPatch, place: Path) -> None:
    """A group may write into /usr/local on many a Debian (staff): who is in it is root by the next program that root calls."""
    monkeypatch.setattr(probe, "LOOKED_INTO", (f"{place}/roots", f"{place}/none"))
    assert told(monkeypatch, place, "true") == []
    os.chown(place / "roots", 0, probe.pwd.getpwnam("games").pw_gid)
    assert told(monkeypatch, place, "true") == []
    (place / "roots").chmod(0o2775)
    assert told(monkeypatch, place, "true") == ["roots"]


def test_a_masked_unit_runs_nothing_that_anybody_may_write(place: Path) -> None:
    """It is a link to /dev/null, into which everybody writes."""
    masked = place / "x.service"
    masked.symlink_to("/dev/null")
    assert probe.open_to_services([], {str(masked)}, []) == []
