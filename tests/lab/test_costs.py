"""What a look costs on the way, counted and not timed, by a relay before each sshd. Each limit is what it was when it was last
looked at: it may be lowered, and what raises one has to be worth it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import Path

import pytest

from bench import places
from bench.relay import relaying
from tests.lab.conftest import GateRun, run_gate
from voxgate.contracts.estates import load_estate

DELAY = 0.025
"""Seconds of one way: so long that what is sent together comes together."""

FORGE_CONNECTIONS = 4
TURNS = 110
"""How often the gate spoke on one connection after having heard something; many questions at once share a round trip, and each
counts."""


@pytest.mark.parametrize("words", [(), ("-m", "dialler")], ids=["whole", "dialler"])
def test_a_look_has_one_connection_a_host_and_so_many_words_on_it(
    deployed: GateRun, tmp_path: Path, words: tuple[str, ...]
) -> None:
    assert deployed.status == 0
    addresses = [*(host.address for host in load_estate("lab").hosts), places.FORGE]
    with relaying([(address, 22) for address in addresses]) as (relay, ports):
        relay.delay = DELAY
        far = places.made(tmp_path / "far", {address: ports[address, 22] for address in addresses})
        run = run_gate(["--estate", str(far.estate_file), "--html", "never", *words], tmp_path / "reports")
        assert run.status == 0, run.said
        turns = defaultdict(list)
        for (address, _), count in relay.turns:
            turns[address].append(count)
    opened = Counter({address: len(found) for address, found in turns.items()})
    assert opened.pop(places.FORGE) <= FORGE_CONNECTIONS
    assert set(opened.values()) == {1}, opened
    assert max(max(found) for found in turns.values()) <= TURNS, turns
