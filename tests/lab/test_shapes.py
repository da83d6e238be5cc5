"""An estate of another shape on real hosts: no console, two roles on one host, two databases dialled from it, stores outside."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import tomlkit

from lab import hosts, places
from lab.proving import breaking
from tests.lab.conftest import ROOT, GateRun, fresh_lab, lab_command, on_host, run_gate

SIP, DATA = "sip-1", "198.51.100.11"
OLD, TEMPLATE = "voxdialler.service", "voxdialler@.service"
# The lab's dialler answers on one port: here each is told its own.
STARTED = """-c 'import os, vox_dialler.__main__ as it; it.PORT = int(os.environ["PORT"]); it.main()'"""
DIALLERS = {"vox": 8090, "sales": 8091}
FOUND = "stats-old.service starts at the next boot, by */stats-old.service, and */stats-old.service came with no package"
UNTIL = datetime.now(UTC).date() + timedelta(days=30)
WAIVED = f"boot-starts-only-what-is-known[{SIP}]"


@dataclass(frozen=True)
class Shape:
    """A project of a team's own, with that estate, and where its runs report."""

    folder: Path

    @property
    def file(self) -> Path:
        """The estate."""
        return self.folder / "hosts/lab.toml"

    def gate(self, *arguments: str) -> GateRun:
        """A run of the gate on it."""
        return run_gate(["--estate", str(self.file), "--html", "never", *arguments], self.folder / "reports")

    def voxgate(self, *words: str, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """A command of voxgate, in the project's folder."""
        argv = [sys.executable, "-m", "voxgate.cli.main", *words]
        more = {**os.environ, **(env or {})}
        return subprocess.run(argv, cwd=self.folder, env=more, capture_output=True, text=True, check=False, timeout=120)


def written(folder: Path) -> Shape:
    """The estate: of the lab's hosts two, one of which has two roles; the data host is none of it."""
    of_lab = tomllib.loads((ROOT / "hosts/lab.toml").read_text("utf-8"))
    estate = {key: of_lab[key] for key in ("estate", "fleet", "containers", "listeners", "boot", "keys")}
    estate["estate"] |= {"services": ["backend", "fleet", "dialler"]}
    estate["hosts"] = {
        "api-1": of_lab["hosts"]["api-1"],
        SIP: {**of_lab["hosts"][SIP], "roles": ["sip", "fleet"], "workers": 1},
    }
    estate["databases"] = {
        name: {"dialler": SIP, "uri": f"mongodb://{DATA}:27017/{name}", "port": port} for name, port in DIALLERS.items()
    }
    estate["waived"] = [
        {
            "rule": "boot-starts-only-what-is-known",
            "subject": SIP,
            "found": FOUND,
            "reason": "it goes in spring",
            "by": "ops@example.com",
            "until": UNTIL,
        }
    ]
    estate["stores"] = {name: {"address": DATA, "port": row["port"]} for name, row in of_lab["stores"].items()}
    hosts = folder / "hosts"
    (hosts / "units").mkdir(parents=True)
    services = (ROOT / "hosts/services.toml").read_text("utf-8").replace(OLD, TEMPLATE)
    settings = '  "DIALLER_TICK_SECONDS",\n]\n'
    assert settings in services
    (hosts / "services.toml").write_text(services.replace(settings, f'{settings}optional_settings = ["PORT"]\n'), "utf-8")
    unit = (ROOT / "hosts/units" / OLD).read_text("utf-8").replace("/.env", "/.env.%i").replace("-m vox_dialler", STARTED)
    (hosts / "units" / TEMPLATE).write_text(unit, "utf-8")
    (hosts / "lab.toml").write_text(tomlkit.dumps(estate), "utf-8")
    return Shape(folder)


# One file of settings for each database; the unit that there was is gone. And an agent that is accepted in writing.
ENV = r"""
cd /opt/vox-dialler
for pair in vox:8090 sales:8091; do
    name=${pair%:*}
    { sed "s#/vox\$#/$name#" .env; echo "PORT=${pair#*:}"; } >.env.$name
    chown vox:vox .env.$name
    chmod 600 .env.$name
done
systemctl disable --quiet --now voxdialler.service
rm .env /etc/systemd/system/voxdialler.service
printf '[Service]\nExecStart=/srv/s/run\n[Install]\nWantedBy=multi-user.target\n' >/etc/systemd/system/stats-old.service
systemctl daemon-reload
systemctl enable --quiet stats-old
"""
API = r"""
sed -i '/^\tserver /d' /etc/haproxy/haproxy.cfg
printf '\tserver voice-1 198.51.100.41:8101\n' >>/etc/haproxy/haproxy.cfg
systemctl reload haproxy
rm -r /opt/vox-frontend
"""


def make_ready(shape: Shape) -> None:
    """The hosts, by the script that enrolling prints, and by what it leaves to a person: settings, and what HAProxy knows."""
    for host in ("api-1", SIP):
        done = hosts.execute(host, ["bash"], shape.voxgate("enrol", "--estate", "lab", host).stdout, deadline=60)
        assert done.returncode == 0, done.stderr
    on_host(SIP, "bash", "-euc", ENV)
    on_host("api-1", "bash", "-euc", API)
    settings = on_host("fleet-1", "cat", "/opt/vox-agents/.env")
    put = ["install", "-m600", "-ovox", "-gvox", "/dev/stdin", "/opt/vox-agents/.env"]
    assert hosts.execute(SIP, put, f"{settings}\n", deadline=20).returncode == 0


@pytest.fixture(scope="module")
def shape(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shape]:
    """On hosts of a fresh lab; afterwards the lab is a fresh one."""
    made = written(tmp_path_factory.mktemp("shape"))
    make_ready(made)
    yield made
    fresh_lab()


def page(port: int) -> dict[str, Any]:
    """What a dialler says of itself."""
    return dict(json.loads(on_host(SIP, "busybox", "wget", "-q", "-T", "3", "-O", "-", f"http://127.0.0.1:{port}/health")))


def test_all_that_is_there_is_deployed_and_judged_and_nothing_else_is_asked_for(shape: Shape) -> None:
    run = shape.gate("--deploy", "all")
    assert (run.status, run.verdict["verdict"]) == (0, "done"), run.said
    assert {key: verdict for key, verdict in run.judged.items() if verdict != "holds"} == {WAIVED: "waived"}
    assert run.verdict["summary"].endswith(f", 1 waived until {UNTIL}")
    assert {one["service"] for one in run.verdict["services"]} == {"backend", "fleet", "dialler"}
    assert not [key for key in run.judged if "console" in key or "frontend" in key]
    assert "console" not in run.said
    assert set(run.judged) >= {
        "unit-is-active[sip-1-voxcore@1]",
        *(f"unit-is-active[sip-1-voxdialler@{name}]" for name in DIALLERS),
        *(f"tick-loop-is-alive[sip-1-voxdialler@{name}]" for name in DIALLERS),
        *(f"exactly-one-dialler-per-database[{name}]" for name in DIALLERS),
    }
    for name, port in DIALLERS.items():
        said = page(port)
        assert (said["database"], said["ticks"] > 0) == (name, True)


def test_two_diallers_on_one_database_are_seen(shape: Shape) -> None:
    """The unit of the one is told the other's database: both place its calls, and who should be called here is not."""
    change = "sed -i 's#/{}$#/{}#' /opt/vox-dialler/.env.vox && systemctl restart voxdialler@vox"
    on_host(SIP, "sh", "-c", change.format("vox", "sales"))
    try:
        run = shape.gate()
    finally:
        on_host(SIP, "sh", "-c", change.format("sales", "vox"))
    assert run.status == 1, run.said
    both = {f"exactly-one-dialler-per-database[{name}]" for name in DIALLERS}
    assert run.red == {WAIVED, *both, "settings-are-what-the-estate-says[dialler-sip-1]"}
    assert "says that it works on the database sales, and is the dialler of vox" in " ".join(run.said.split())


def test_a_first_estate_of_it_is_written_from_two_addresses(shape: Shape) -> None:
    """Roles, databases with their ports, stores outside, no console; and by it all holds."""
    options = ["--known-hosts", str(places.known_hosts()), "--identity", str(places.identity())]
    addresses = ["--host", "api=198.51.100.21", "--host", "fleet+sip=198.51.100.41"]
    uri = {f"VOXGATE_MONGODB_URI_{name.upper()}": f"mongodb://{DATA}:27017/{name}" for name in DIALLERS}
    done = shape.voxgate("draft", "--estate", "drafted", *addresses, *options, env=uri)
    assert done.returncode == 0, done.stderr
    text = (shape.folder / "hosts/drafted.toml").read_text("utf-8")
    said = tomllib.loads(text)
    assert said["estate"]["services"] == ["backend", "fleet", "dialler"]
    assert said["hosts"]["fleet-1"]["roles"] == ["fleet", "sip"]
    assert {name: row["port"] for name, row in said["databases"].items()} == DIALLERS
    assert {row["address"] for row in said["stores"].values()} == {DATA}
    assert "console" not in said


def test_what_was_put_on_a_lab_goes_with_it() -> None:
    """The last one here: nothing is mended on the next lab that was never put there."""
    lab_command("break", "message-of-the-day")
    assert breaking.broken() == {"message-of-the-day"}
    fresh_lab()
    assert breaking.broken() == set()
