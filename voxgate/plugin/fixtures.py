"""The story as fixtures: estate -> checked_out -> installed -> restarted -> healthy -> evidence.

Each state is reached exactly once a run, before the first test; whoever asks for it gets the recorded outcome. Without
``--deploy`` nothing is changed on any host, and the states of the deploy hold as they were found.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from voxgate.deploy.moving.engine import State
from voxgate.errors import Blind
from voxgate.plugin.facts_read import watched
from voxgate.plugin.session import Recorded, session_of
from voxgate.transport.ssh.connections import Connections
from voxgate.transport.ssh.testinfra_backend import host_for

if TYPE_CHECKING:
    from testinfra.host import Host as TestinfraHost

    from voxgate.deploy.moving.rolling import Capacity
    from voxgate.model.estate import Estate
    from voxgate.model.look import Evidence
    from voxgate.model.verdict import MoveRecord


@pytest.fixture(scope="session")
def estate(pytestconfig: pytest.Config) -> Estate:
    """All hosts of the environment that this run is about."""
    found = session_of(pytestconfig).estate
    if found is None:
        raise Blind("no estate", hint="say which: --estate NAME")
    return found


@pytest.fixture(scope="session")
def deployment(pytestconfig: pytest.Config) -> Recorded:
    """The deploy of this run; one that deploys nothing reaches every state at once."""
    session = session_of(pytestconfig)
    _ = session.evidence
    return session.recorded


@pytest.fixture(scope="session")
def checked_out(deployment: Recorded) -> Recorded:
    """The releases are checked out on all their hosts."""
    deployment.reach(State.CHECKED_OUT)
    return deployment


@pytest.fixture(scope="session")
def installed(checked_out: Recorded) -> Recorded:
    """What their locks say is installed."""
    checked_out.reach(State.INSTALLED)
    return checked_out


@pytest.fixture(scope="session")
def restarted(installed: Recorded) -> Recorded:
    """Their units run the new code, the console's link points to the new build."""
    installed.reach(State.RESTARTED)
    return installed


@pytest.fixture(scope="session")
def healthy(restarted: Recorded) -> Recorded:
    """All of them answer as healthy."""
    restarted.reach(State.HEALTHY)
    return restarted


@pytest.fixture(scope="session")
def moves(deployment: Recorded) -> tuple[MoveRecord, ...]:
    """Every move of the deploy, also of one that failed."""
    return deployment.moves


@pytest.fixture(scope="session")
def capacity(deployment: Recorded) -> Capacity:
    """Which workers served while the fleet was rolled, sampled throughout."""
    return deployment.capacity


@pytest.fixture(scope="session")
def evidence(pytestconfig: pytest.Config) -> Evidence:
    """What the two looks brought back: taken after the deploy, also after one that failed. What a test reads of it is attached
    to its result. Raises Blind if there is none.
    """
    session = session_of(pytestconfig)
    return watched(session.evidence, session.recorder)


@pytest.fixture(scope="session")
def _connections(estate: Estate) -> Iterator[Connections]:
    """Connections for a team's own testinfra checks, opened where one is asked for."""
    with Connections(estate) as connections:
        yield connections


@pytest.fixture
def host(request: pytest.FixtureRequest, _connections: Connections) -> TestinfraHost:
    """A host of the estate for a team's own checks, as testinfra knows it: ``host.file("/etc/hosts").exists``."""
    if not hasattr(request, "param"):
        raise Blind("no estate", hint="say which: --estate NAME")
    return host_for(_connections[request.param])
