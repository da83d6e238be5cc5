"""The probe on what others than systemd run by themselves: each reader's files, and what a package brought."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from tests.built import probe

SAYING = [
    ("cron, at boot", "@reboot root /var/tmp/x"),
    ("udev", 'ACTION=="add", KERNEL=="lo", RUN+="/var/tmp/x"'),
    ("udev", 'IMPORT{program}="/var/tmp/x"'),
    ("udev", 'TAG+="systemd", ENV{SYSTEMD_WANTS}+="x.service"'),
    ("ifupdown", "  post-up /var/tmp/x"),
    ("HAProxy", "program side"),
    ("HAProxy", "  external-check command /var/tmp/x"),
    ("HAProxy", "  lua-load /var/tmp/x.lua"),
    ("supervisor", "[program:x]"),
    ("monit", '  start program = "/var/tmp/x"'),
    ("apt", 'DPkg::Post-Invoke { "/var/tmp/x"; };'),
    ("modprobe", "install dummy /var/tmp/x"),
]
NOT_SAYING = [
    ("cron, at boot", "0 4 * * * root /usr/bin/x"),
    ("cron, at boot", "# @reboot root /var/tmp/x"),
    ("udev", 'KERNEL=="sd*", ATTR{queue/scheduler}="none"'),
    ("ifupdown", "  address 198.51.100.1"),
    ("HAProxy", "option httplog"),
    ("supervisor", "[supervisord]"),
    ("apt", 'Acquire::http::Proxy "http://proxy:3128";'),
    ("modprobe", "install usb-storage /bin/true"),
    ("modprobe", "blacklist floppy"),
]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A host on which nothing but a service's own is there."""
    monkeypatch.setattr(probe, "HOOKS", {"the network": (str(tmp_path / "hooks"),)})
    monkeypatch.setattr(probe, "ROWS", {by: ((str(tmp_path / by),), row) for by, (_, row) in probe.ROWS.items()})
    monkeypatch.setattr(probe, "TABLES", (str(tmp_path / "tables"),))
    monkeypatch.setattr(probe, "RC_LOCAL", str(tmp_path / "rc.local"))
    monkeypatch.setattr(probe, "CORE_PATTERN", str(tmp_path / "core_pattern"))
    return tmp_path


@pytest.mark.parametrize(("by", "row"), SAYING)
def test_a_row_that_has_something_run_is_seen(place: Path, by: str, row: str) -> None:
    (place / by).mkdir()
    (place / by / "50-x").write_text(f"# ours\n{row}\n")
    assert probe.started_by_others() == [{"where": str(place / by / "50-x"), "by": by, "itself": False}]


@pytest.mark.parametrize(("by", "row"), NOT_SAYING)
def test_what_has_nothing_run_is_not(place: Path, by: str, row: str) -> None:
    (place / by).mkdir()
    (place / by / "50-x").write_text(f"{row}\n")
    assert probe.started_by_others() == []


def test_a_program_is_run_by_its_place_and_a_text_is_not(place: Path) -> None:
    (place / "hooks/pre-up.d").mkdir(parents=True)
    for path, mode in (("hooks/10-x", 0o755), ("hooks/README", 0o644), ("hooks/pre-up.d/x", 0o755), ("rc.local", 0o755)):
        (place / path).write_text("#!/bin/sh\n")
        (place / path).chmod(mode)
    (place / "core_pattern").write_text("|/opt/x/crashed %p\n")
    assert [row["where"] for row in probe.started_by_others()] == [
        "/opt/x/crashed", *(str(place / path) for path in ("hooks/10-x", "hooks/pre-up.d/x", "rc.local")),
    ]  # fmt: skip


def test_a_crontab_of_an_account_starts_at_boot(place: Path) -> None:
    (place / "tables").mkdir()
    (place / "tables/deploy").write_text("@reboot ./x\n")
    (place / "tables/root").write_text("@daily /usr/bin/x\n")
    assert probe.started_by_others() == [{"where": str(place / "tables/deploy"), "by": "cron, at boot", "itself": False}]


def test_what_root_runs_is_what_its_hooks_start_and_no_crontab_of_another_s(place: Path) -> None:
    for path, text in (("hooks/10-x", "#!/bin/sh\nset -e\n/srv/x/run\n"), ("udev/x", SAYING[1][1]), ("apt/x", SAYING[10][1])):
        (place / path).parent.mkdir(exist_ok=True)
        (place / path).write_text(text)
        (place / path).chmod(0o755)
    (place / "tables").mkdir()
    for name in ("deploy", "root"):
        (place / "tables" / name).write_text(f"@reboot /srv/{name}/run\n")
    begun: set[str] = set()
    probe.started_by_others(begun)
    files = {str(place / path) for path in ("hooks/10-x", "udev/x", "apt/x", "tables/root")}
    assert begun == files | {"/bin/sh", "/srv/x/run", "/srv/root/run", "/var/tmp/x"}  # noqa: S108 - not used


def test_what_a_package_brought_as_it_is_counts_for_nothing(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (place / "apt").mkdir()
    path = place / "apt/50-x"
    path.write_text(SAYING[-2][1])
    known = {str(path): hashlib.md5(path.read_bytes()).hexdigest()}  # noqa: S324 - as dpkg has it
    monkeypatch.setattr(probe, "dpkg_hashes", lambda: known)
    monkeypatch.setattr(probe, "dpkg_hashes_of", lambda _: {})
    assert probe.started_by_others() == []
    path.chmod(0o666)  # whoever likes writes another thing into it until it is read
    assert len(probe.started_by_others()) == 1
    path.chmod(0o644)
    path.write_text(SAYING[-2][1].replace("/x", "/y"))
    assert len(probe.started_by_others()) == 1


@pytest.mark.parametrize(
    ("command", "runs"),
    [
        ("systemctl restart voxcore@1", {"systemctl"}),
        ("/usr/bin/systemctl --no-block kill -s KILL 'voxcore@2.service'", {"systemctl"}),
        ("true; systemctl try-restart 'vox*' 'voxcore@*'", {"systemctl"}),
        ("service voxbridge restart", {"service"}),
        ("systemctl is-active voxcore@1 || mail -s down ops@example.com", set()),
        ("systemctl status voxbridge", set()),
        ("systemctl restart nginx", set()),
        ("journalctl -u voxcore@1 | grep -c error", set()),
    ],
)
def test_who_restarts_a_unit_by_itself_is_named(command: str, runs: set[str]) -> None:
    assert probe.movers(command, ("/opt/vox-agents", "voxcore@", "voxbridge"), of_shell=True) == runs
