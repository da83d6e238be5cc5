"""Who serves beside a run: what goes away is found, and named."""

from __future__ import annotations

import time

from tests.lab.conftest import GateRun, on_host
from tests.lab.serving import EVERY, PAGE, Serving

_SHUT = """table ip shut {
  chain in { type filter hook input priority 0; tcp dport 80 reject with tcp reset; }
}"""


def test_what_goes_away_is_found(deployed: GateRun) -> None:
    """A page that nobody can reach, and a worker that somebody restarted by hand: no gate was there."""
    assert deployed.status == 0
    with Serving("a page shut by hand") as serving:
        on_host("fleet-1", "systemctl", "restart", "voxcore@2")
        on_host("api-1", "sh", "-c", f"echo '{_SHUT}' | nft -f -")
        try:
            until = time.monotonic() + 20
            while time.monotonic() < until and not any(PAGE in flaw for flaw in serving.flaws()):
                time.sleep(EVERY)
        finally:
            on_host("api-1", "nft", "delete", "table", "ip", "shut")
        flaws = serving.flaws()
    assert any(flaw.startswith("page was not touched, and away for") for flaw in flaws), flaws
    assert "fleet-1 voxcore@2.service was restarted, and nothing was deployed there" in flaws
    assert not any("voxcore@1" in flaw for flaw in flaws)
