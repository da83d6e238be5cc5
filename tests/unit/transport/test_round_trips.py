"""What the transport costs over a distance, counted and not timed: how often the gate speaks after having heard something.

Each limit is what it was when it was last looked at: it may be lowered, and what raises one has to be worth it.
"""

from __future__ import annotations

from bench.relay import relaying
from voxgate.transport.ssh.connections import Connections

from .conftest import Ground, Sshd, host

DELAY = 0.05
"""Seconds of one way: so long that what is sent together comes together."""

LOGIN = 5
COMMAND = 4
"""Turns to log in, and turns of each command."""


def turns(ground: Ground, server: Sshd, commands: int) -> int:
    """How often the gate spoke anew on the one connection that so many commands took, one after another."""
    target = ("127.0.0.1", server.port)
    with relaying([target]) as (relay, ports):
        relay.delay = DELAY
        known = server.pins().replace(f":{server.port} ", f":{ports[target]} ")
        with Connections(ground.estate(host(ports[target]), known=known), connect_deadline=30) as made:
            for _ in range(commands):
                assert made["one"].run(["/bin/echo", "here"]).stdout == b"here\n"
            ((_, count),) = relay.turns
        return count


def test_a_login_and_each_command_take_so_many_turns_and_no_more(shared_ground: Ground, server: Sshd) -> None:
    one, three = turns(shared_ground, server, 1), turns(shared_ground, server, 3)
    assert one <= LOGIN + COMMAND, one
    assert three - one <= 2 * COMMAND, (one, three)
