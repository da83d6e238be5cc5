"""Drills: a deploy that fails before anything was restarted puts back what it changed, and restarts nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import lab
from tests.lab.drills.drilling import Drill, goods, other, run
from tests.lab.serving import restarted, running

_ALL = ("backend", "fleet", "dialler", "console")


@contextmanager
def broken(*pairs: tuple[str, str, str]) -> Iterator[None]:
    """Scripts that break a host, and that mend it afterwards: (host, break, mend)."""
    try:
        for host, breaking, _ in pairs:
            assert lab.exec(host, ["sh", "-ec", breaking]).returncode == 0, breaking
        yield
    finally:
        for host, _, mending in pairs:
            assert lab.exec(host, ["sh", "-ec", mending]).returncode == 0, mending


def goes_back_without_a_restart(drill: Drill, folder: Path, *services: str) -> str:
    """Deploy, which must fail; say what it said. Every unit is the very process that it was, and a look finds all in order."""
    before, units = goods(), running()
    drill.exit_status, gate = run(folder, *other(*services))
    drill.outcome = gate.verdict["summary"]
    drill.flaws += restarted(units)
    if drill.exit_status != 11:
        drill.flaws.append(f"it ended with {drill.exit_status}: {gate.end}")
    status, look = run(folder / "look")
    drill.flaws += [] if status == 0 else [f"a look after it: {look.said[-2000:]}"]
    drill.check(before)
    return gate.said


def test_a_fetch_is_refused(drill: Drill, tmp_path: Path) -> None:
    """A file of git belongs to root on one host of the fleet, and on the dialler's: nothing was changed anywhere."""
    drill.point = "FETCH_HEAD of root on fleet-2 and sip-1"
    with broken(
        *(
            (host, f"chown root: /opt/{name}/.git/FETCH_HEAD", f"chown deploy: /opt/{name}/.git/FETCH_HEAD")
            for host, name in (("fleet-2", "vox-agents"), ("sip-1", "vox-dialler"))
        )
    ):
        said = goes_back_without_a_restart(drill, tmp_path, "fleet", "dialler")
    words = "nothing was changed, so nothing goes back and nothing is restarted"
    assert f"{words}: fleet-1 fleet, fleet-2 fleet, sip-1 dialler" in said
    assert "  back  " not in said


_NO_REGISTRY = """mv /usr/local/bin/uv /usr/local/bin/uv.away
cat >/usr/local/bin/uv <<'EOF'
#!/bin/sh
case " $* " in *" --offline "* | *" --version "*) exec /usr/local/bin/uv.away "$@" ;; esac
echo "error: Failed to fetch: the registry does not answer" >&2
exit 2
EOF
chmod 755 /usr/local/bin/uv"""
_NO_BUILD = """mv /usr/local/bin/npm /usr/local/bin/npm.away
cat >/usr/local/bin/npm <<'EOF'
#!/bin/sh
[ "$1" != run ] || { echo "error: the build fails" >&2; exit 1; }
exec /usr/local/bin/npm.away "$@"
EOF
chmod 755 /usr/local/bin/npm"""


def test_one_host_cannot_install(drill: Drill, tmp_path: Path) -> None:
    """All four are deployed, and one host has no registry: the code of all was changed, and all of it is as it was."""
    drill.point = "no registry on fleet-2"
    with broken(("fleet-2", _NO_REGISTRY, "mv /usr/local/bin/uv.away /usr/local/bin/uv")):
        said = goes_back_without_a_restart(drill, tmp_path, *_ALL)
    assert "not restarted, as the deploy did not: api-1 voxbridge, fleet-1 voxcore@1" in said


def test_the_console_cannot_be_built(drill: Drill, tmp_path: Path) -> None:
    """The three others were ready to be restarted: none of them is."""
    drill.point = "npm run build fails"
    with broken(("api-1", _NO_BUILD, "mv /usr/local/bin/npm.away /usr/local/bin/npm")):
        goes_back_without_a_restart(drill, tmp_path, *_ALL)
