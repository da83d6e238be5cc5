"""What changed on real hosts since a deploy was done: told with what explains it, and judged where the estate says so."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.conftest import ROOT, Gate, GateRun, lab_command, on_host, run_gate
from tests.lab.test_gate import GOOD

CHANGED = """set -e
printf '7 4 * * * root /usr/bin/true\\n' >/etc/cron.d/by-hand
useradd -m by-hand; install -d -o by-hand /home/by-hand/.ssh; ssh-keygen -q -t ed25519 -N '' -f /run/by-hand
cp /run/by-hand.pub /home/by-hand/.ssh/authorized_keys
install -d /etc/systemd/system/voxbridge.service.d
printf '[Service]\\nNice=1\\n' >/etc/systemd/system/voxbridge.service.d/by-hand.conf
nft 'add table ip by-hand; add chain ip by-hand pre { type nat hook prerouting priority 0 ; }
add rule ip by-hand pre tcp dport 8099 redirect to :8080'
"""
AS_BEFORE = """nft delete table ip by-hand
rm -r /etc/cron.d/by-hand /etc/systemd/system/voxbridge.service.d /run/by-hand /run/by-hand.pub
userdel -r by-hand 2>/dev/null
"""
CHANGED_ON_DATA = """set -e
printf '7 4 * * * root /usr/bin/true\\n' >/etc/cron.d/by-hand
install -d /run/by-package/DEBIAN /run/by-package/etc/cron.d
printf '8 4 * * * root /usr/bin/true\\n' >/run/by-package/etc/cron.d/by-package
printf '%s\\n' 'Package: by-package' 'Version: 1' 'Architecture: all' 'Maintainer: x <x@example>' 'Description: x' \\
  >/run/by-package/DEBIAN/control
dpkg-deb --build --root-owner-group /run/by-package /run/by-package.deb; dpkg --install /run/by-package.deb
"""
DATA_AS_BEFORE = "dpkg --purge by-package; rm -rf /etc/cron.d/by-hand /run/by-package /run/by-package.deb"
ORDINARY_LIFE = """set -e
sed -i 's/^Version: 1/Version: 2/' /run/by-package/DEBIAN/control
sed -i 's/^8 4/9 4/' /run/by-package/etc/cron.d/by-package
dpkg-deb --build --root-owner-group /run/by-package /run/by-package.deb; dpkg --install /run/by-package.deb
journalctl --rotate; journalctl --vacuum-time=1s
"""
ROTATED = """set -e
install -d /etc/ssl/renewed
cd /etc/ssl/renewed; openssl req -x509 -newkey rsa:2048 -nodes -days 90 -subj /CN=renewed -keyout key.pem -out cert.pem
for log in /var/log/nginx/*.log; do mv "$log" "$log.1"; done
systemctl kill --signal=USR1 --kill-whom=main nginx; systemctl reload nginx; journalctl --rotate
"""
BY_HAND = {
    ("account", "by-hand"),
    ("job", "/etc/cron.d/by-hand"),
    ("key", "by-hand"),
    ("packet filter", "ip by-hand pre"),
    ("unit file", "/etc/systemd/system/voxbridge.service.d/by-hand.conf"),
}
OF_THE_PACKAGE = {("boot", "prometheus-node-exporter.service"), ("listener", "tcp :::9100")}


def told(run: GateRun, host: str) -> dict[tuple[str, str], list[str]]:
    """What changed there, with the reasons."""
    rows = json.loads((run.folder / "changes.json").read_text())["hosts"][host]["changes"]
    return {(row["kind"], row["name"].partition(": SHA256")[0]): row["why"] for row in rows}


@pytest.fixture
def _by_hand() -> Iterator[None]:
    """Things that nobody announced, and a package."""
    on_host("api-1", "sh", "-c", CHANGED)
    on_host("data", "sh", "-c", CHANGED_ON_DATA)
    lab_command("break", "node-exporter")
    yield
    on_host("data", "sh", "-c", DATA_AS_BEFORE)
    on_host("api-1", "sh", "-c", AS_BEFORE)
    lab_command("mend", "node-exporter")


@pytest.fixture
def since(gate: Gate) -> GateRun:
    """A deploy that is done, and a look right after it."""
    assert gate("--deploy", "backend").status == 0
    return gate()


def test_nothing_is_told_right_after_a_deploy_and_each_change_later(
    since: GateRun, gate: Gate, request: pytest.FixtureRequest
) -> None:
    assert since.status == 0
    assert "since done" not in since.said
    assert [told(since, host) for host in ("data", "api-1", "fleet-1", "fleet-2", "sip-1")] == [{}] * 5
    request.getfixturevalue("_by_hand")
    look = gate("-v")  # without it, what stands beside the verdict is folded first where the terminal has no room
    assert set(told(look, "api-1")) == BY_HAND
    assert not any(told(look, "api-1").values())
    explained = told(look, "fleet-2")
    assert set(explained) >= OF_THE_PACKAGE
    assert all("prometheus-node-exporter" in why for reasons in explained.values() for why in reasons)
    assert all(explained.values())
    assert "unexplained-change: api-1: account by-hand is new, since " in look.said
    assert told(look, "data") == {
        ("job", "/etc/cron.d/by-hand"): [],
        ("job", "/etc/cron.d/by-package"): ["package by-package, put there since then"],
    }, "nothing is deployed there, and another host keeps what was seen of it"
    assert look.red & {"only-expected-listeners[fleet-2]", "keys-are-known[api-1]"}, "the rules judge as ever"


OLD, BAD = "vox-backend-2026.06.22-1", "vox-backend-2026.06.23-1"
ID = "what-changed-since-done-is-explained[{}]"
OTHERS = {ID.format(host) for host in ("data", "api-1", "fleet-1", "fleet-2", "sip-1")}


@pytest.fixture
def judging(gate: Gate, tmp_path: Path) -> Gate:
    """The gate on the lab as an estate that has changes judged, on all hosts; the last deploy there was done."""
    lab = (ROOT / "hosts/lab.toml").read_text("utf-8")
    path = tmp_path / "lab.toml"
    path.write_text(lab.replace("\nlook = ", '\nchanges = ["all"]\nlook = '), "utf-8")
    assert gate("--deploy", f"backend={GOOD['backend']}").status == 0
    return lambda *words: run_gate(["--estate", str(path), "--html", "never", *words], tmp_path / "judging")


@pytest.fixture
def _in_order() -> Iterator[None]:
    yield
    on_host("data", "sh", "-c", f"userdel support; {DATA_AS_BEFORE}")


@pytest.mark.usefixtures("_in_order")
def test_where_the_estate_says_so_it_is_judged(judging: Gate) -> None:
    """What a deploy does there, and one that goes back, is explained by that; a package by itself; an account by nobody."""
    look = judging()
    assert (look.status, {key for key in look.judged if key in OTHERS}) == (0, OTHERS), look.said
    bad = judging("--deploy", f"backend={BAD}")
    assert (bad.status, bad.verdict["verdict"]) == (11, "rolled back"), bad.said
    assert not {one["id"] for one in bad.verdict["rollback"]["invariants"] if one["verdict"] != "holds"}
    assert judging().red == set()
    older = judging("--deploy", f"backend={OLD}")
    assert (older.status, older.red) == (0, set()), older.said
    on_host("data", "sh", "-c", CHANGED_ON_DATA.replace(">/etc/cron.d/by-hand", ">/dev/null"))
    assert ID.format("data") not in judging().red
    on_host("data", "useradd", "support")
    look = judging()
    assert ID.format("data") in look.red
    assert "account support is new" in look.said
    again = judging("--evidence", str(look.folder / "evidence"))
    assert again.judged == look.judged
    refused = judging("--deploy", f"backend={GOOD['backend']}")
    assert refused.status == 10, refused.said
    letting = ["--standing", ID.format("data"), "--reason", "of the support's"]
    on_host("data", "sh", "-c", DATA_AS_BEFORE)
    done = judging("--deploy", f"backend={GOOD['backend']}", *letting)
    assert done.status == 0, done.said
    assert judging().red == set(), "that deploy keeps it"


@pytest.fixture
def _with_a_package() -> Iterator[None]:
    on_host("data", "sh", "-c", CHANGED_ON_DATA.replace(">/etc/cron.d/by-hand", ">/dev/null"))
    yield
    on_host("data", "sh", "-c", DATA_AS_BEFORE)
    on_host("api-1", "rm", "-rf", "/etc/ssl/renewed")


@pytest.mark.usefixtures("_with_a_package")
def test_ordinary_life_needs_nobody_to_explain_it(judging: Gate) -> None:
    """A package updated, logs rotated, a certificate renewed, a service reloaded, a host booted."""
    on_host("data", "sh", "-c", ORDINARY_LIFE)
    on_host("api-1", "sh", "-c", ROTATED)
    lab_command("off", "fleet-2")
    lab_command("on", "fleet-2")
    look = judging()
    assert set(look.judged) >= OTHERS, look.said
    assert not look.red & OTHERS, look.said
    assert told(look, "data") == {("job", "/etc/cron.d/by-package"): ["package by-package, put there since then"]}
