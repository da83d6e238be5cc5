"""Containers: livekit and livekit-sip on the SIP hosts, and nothing else in a container anywhere."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from voxgate.contracts.agents import why_no_agent
from voxgate.errors import Blind
from voxgate.model.advice import quoted
from voxgate.model.counting import counted
from voxgate.model.entry import Entry
from voxgate.model.estate import repository_of
from voxgate.model.evidence import known
from voxgate.model.service import Role
from voxgate.plugin import invariant, say_all, say_each
from voxgate.survey.commands import end, end_liars
from voxgate.survey.containers import SHORT, unlike
from voxgate.survey.findings import by_id
from voxgate.survey.questions import of_host

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from voxgate.model.entry import Value
    from voxgate.model.estate import Containers, Estate
    from voxgate.model.evidence import ContainerFact, EnginesFact, MadeFact, ProcessFact
    from voxgate.model.look import Evidence, Look

OK = 200
DOCKER = (
    "`systemctl status --no-pager docker.service`; `systemctl restart docker.socket docker.service` cuts calls that have media"
)
UP = "`docker compose ls -a` says which FILE the project is of: `docker compose -f FILE up -d`"
UPDATERS = ("watchtower", "ouroboros", "shepherd")
"""Images that put newer containers in the place of others, livekit's too, by themselves: no entry is offered for them."""
GOES_ON = frozenset("RSDI")  # the kernel's letters for a process that runs, or will as soon as there is something to do


@invariant(
    per="host_name",
    faults=(
        "container-app-image",
        "container-under-livekits-name",
        "container-other-engine",
        "livekit-replaced-under-its-name",
        "engine-called-so",
    ),
)
def test_only_livekit_in_containers(host_name: str, estate: Estate, evidence: Evidence) -> None:
    """The services run under systemd, where the gate can see and restart them. On a SIP host exactly livekit and
    livekit-sip are in containers, by image, compose project, command, mounts and rights, since a name can be given to anything,
    and agents that the estate names, never a service; elsewhere there is no container of any state, no engine.
    """
    host = evidence.second.host(host_name)
    engines, boxed = known(host.engines), [one for one in known(host.processes) if one.container]
    if Role.SIP in estate.host(host_name).roles and estate.containers.images:
        _only_livekit(estate, host_name, engines, boxed)
    else:
        said = [_words(one) for one in engines.containers]
        said += [f"process {one.pid} ({one.command}) runs in a container" for one in boxed]
        said += [f"a container engine is here: {name}" for name in (*engines.engines, *engines.traces)]
        do = "; ".join(filter(None, (_gone(engines.containers), end(one.pid for one in boxed) if boxed else "")))
        do = do or end_liars(engines.traces, "stop the engine, and remove it")
        do = f"the services run under systemd, and containers are for the SIP hosts only: {do}"
        assert not said, say_all(host_name, said, do)


def _only_livekit(estate: Estate, host_name: str, engines: EnginesFact, boxed: list[ProcessFact]) -> None:
    """The containers of a SIP host are livekit's and the agents that the estate names, each one once and as the estate says, and
    docker's alone.
    """
    if "docker" not in engines.engines:
        raise Blind("the docker engine did not answer", where=host_name, hint=DOCKER)
    others = [*(name for name in engines.engines if name != "docker"), *engines.traces]
    said = [f"another container engine is here: {name}" for name in others]
    agents = {(one.images[0], one.project): one for one in estate.agents_on(estate.host(host_name))}
    foreign: list[ContainerFact] = []
    entries: list[Entry] = []
    for one in engines.containers:
        image = repository_of(one.image)
        if image in estate.containers.images and one.project == estate.containers.project:
            said += unlike(one, estate.containers)
        elif (image, one.project) in agents and not _is_a_services(one, estate):
            said += unlike(one, agents[image, one.project])
        else:
            said.append(_words(one))
            foreign.append(one)
            if one.made is not None and _may_be_named(one, one.made, estate):
                entries.append(Entry(("agents", host_name), (_as_entry(one, one.made),), f"container {one.name}"))
    said += _miscounted(engines.containers, estate.containers, agents)
    ours = by_id(engines.containers)
    said += [
        f"process {one.pid} ({one.command}) runs in a container that docker does not list"
        for one in boxed
        if one.container[:SHORT] not in ours
    ]
    unseen = [f"the engine did not say what container {one.name} is made of" for one in engines.containers if one.made is None]
    if unseen and not said:
        raise Blind("; ".join(unseen), where=host_name, hint="look again")
    assert not said, say_all(
        host_name,
        [*said, *unseen],
        "livekit, livekit-sip and agents that the estate names run in containers, as it says ([containers]), and nothing else: "
        + (_gone(foreign) or end_liars(others) or _again(engines.containers, estate.containers)),
        estate=estate.name,
        entries=entries,
    )


def _again(containers: Iterable[ContainerFact], wanted: Containers) -> str:
    """Make the containers of livekit's project anew, of the files that the project is of: those that are not as they must be, and
    of one image too many, go first.
    """
    kept: set[str] = set()
    wrong: list[str] = []
    for one in sorted(containers, key=lambda one: bool(any(unlike(one, wanted)))):
        image = repository_of(one.image)
        if image in wanted.images and one.project == wanted.project:
            wrong += [one.name] if image in kept or any(unlike(one, wanted)) else []
            kept.add(image)
    gone = f"`{quoted('docker', 'rm', '-f', *wrong)}`; " if wrong else ""
    return gone + UP


def _gone(containers: Iterable[ContainerFact]) -> str:
    """What takes containers away, by their engines; "" where there are none."""
    names: dict[str, list[str]] = {}
    for one in containers:
        names.setdefault(one.engine, []).append(one.name)
    return "; ".join(f"`{quoted(engine, 'rm', '-f', *sorted(each))}`" for engine, each in sorted(names.items()))


def _miscounted(containers: Sequence[ContainerFact], wanted: Containers, agents: Collection[tuple[str, str]]) -> Iterator[str]:
    """Which containers are not there once: of livekit's each must be, of the agents each may."""
    counts = Counter((repository_of(one.image), one.project) for one in containers)
    for image in wanted.images:
        if counts[image, wanted.project] != 1:
            yield f"{counted(counts[image, wanted.project], 'container')} of {image}, not one"
    for key in agents:
        if counts[key] > 1:
            yield f"{counted(counts[key], 'container')} of {key[0]}, not one"


def _is_a_services(one: ContainerFact, estate: Estate) -> bool:
    """True for a container that has to do with a service, by its name, image, project or mounts: never an agent's."""
    words = f"{one.name} {one.image} {one.project}"
    given = [f"{mount.partition(':')[0]}/" for mount in (one.made.mounts if one.made else ())]
    return any(
        service.repository in words or any(source.startswith(f"{service.folder}/") for source in given)
        for service in estate.services
    )


def _may_be_named(one: ContainerFact, made: MadeFact, estate: Estate) -> bool:
    """True for a container that an estate may name as an agent's: of a project of its own, and no service's, or livekit's."""
    image = repository_of(one.image)
    never = _is_a_services(one, estate) or image.endswith(UPDATERS) or why_no_agent(image, one.project, made.mounts, estate)
    return bool(one.project) and not never


def _as_entry(one: ContainerFact, made: MadeFact) -> dict[str, Value]:
    """What an estate says of it, were it an agent of somebody's."""
    entry: dict[str, Value] = {"image": one.image, "project": one.project}
    if not made.as_image:
        entry["command"] = made.command
    return {**entry, "mounts": made.mounts, "rights": made.rights}


def _words(one: ContainerFact) -> str:
    """A foreign container, in words."""
    return f"container {one.name} of image {one.image} ({one.state}, {one.engine})"


@invariant(
    per="host_name",
    guards="people",
    roles=("sip",),
    needs=("containers",),
    faults=("livekit-stopped", "livekit-server-stopped", "livekit-restart-loop", "livekit-halted"),
    severity="blocker",
)
def test_livekit_is_healthy(host_name: str, estate: Estate, evidence: Evidence) -> None:
    """Without livekit no call has media: both containers run, neither restarted between the looks nor halted, and livekit
    answers.
    """
    looks = [{one.image: one for one in _containers(look, host_name)} for look in (evidence.first, evidence.second)]
    wrong = [row for image in estate.containers.images for row in _unsteady(image, looks, evidence, host_name)]
    health = estate.containers.health
    for name, endpoint in (({"livekit": health} if health else {}) | dict(estate.containers.answers)).items():
        question = of_host(estate.host(host_name), endpoint)
        answer = evidence.second.answer(question)
        if answer.trouble or answer.status != OK:
            what = f"GET :{question.port}{question.path}: {name} {answer.trouble or f'answers {answer.status}'}"
            wrong.append((what, f"`docker ps -a`; `docker compose -p {estate.containers.project} logs --tail 50`"))
    if health is None and not wrong:
        raise Blind(
            "the estate does not say where livekit answers",
            where=host_name,
            hint='[containers] health = { port = 7880, path = "/" }',
        )
    assert not wrong, say_each(host_name, wrong)


def _unsteady(
    image: str, looks: Sequence[Mapping[str, ContainerFact]], evidence: Evidence, host: str
) -> Iterator[tuple[str, str]]:
    """Why the container of an image did not run all the time from look to look, and what to do about it."""
    before, after = (next((one for name, one in look.items() if repository_of(name) == image), None) for look in looks)
    if after is None:
        yield f"no container of {image}", UP
        return
    logs = f"`docker logs --tail 50 {quoted(after.name)}` says why"
    if after.state != "running":
        yield f"{after.name} is {after.state} ({after.status})", f"{logs}; `docker start {quoted(after.name)}`"
        return
    halted = [one for one in _inside(evidence.second, host, after.id) if one.state not in GOES_ON]
    for one in halted:
        what = f"process {one.pid} ({one.command}) of {after.name} is halted (state {one.state})"
        yield what, f"`docker restart {quoted(after.name)}`, and look for who stopped it"
    if before is None or before.id != after.id or before.state != "running":
        yield f"{after.name} was replaced or restarted between the looks", logs
        return
    # The engine starts what died again under the same id: its first process is another one then.
    main = [_first_process(look, host, after.id) for look in (evidence.first, evidence.second)]
    if main[0] != main[1]:
        yield f"{after.name} was restarted between the looks: its process {main[0]} became {main[1]}", logs


def _first_process(look: Look, host: str, container: str) -> int:
    """The process that a container was started with: the oldest in it. Raises Blind if none was seen."""
    return min(_inside(look, host, container), key=lambda one: (one.started, one.pid)).pid


def _inside(look: Look, host: str, container: str) -> list[ProcessFact]:
    """Every process of a container. Raises Blind if none was seen."""
    inside = [one for one in known(look.host(host).processes) if one.container and one.container.startswith(container[:SHORT])]
    if not inside:
        hint = f"does it still run? `docker ps -a --filter id={container[:SHORT]}`"
        raise Blind("no process of this running container was seen", where=host, why=container[:SHORT], hint=hint)
    return inside


def _containers(look: Look, host: str) -> tuple[ContainerFact, ...]:
    engines = known(look.host(host).engines)
    if "docker" not in engines.engines:
        raise Blind("the docker engine did not answer", where=host, hint=DOCKER)
    return engines.containers
