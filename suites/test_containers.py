"""Containers: livekit and livekit-sip on the SIP hosts, and nothing else in a container anywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voxgate.errors import Blind
from voxgate.model.estate import repository_of
from voxgate.model.evidence import known, uncut
from voxgate.model.service import Role
from voxgate.plugin import invariant, say, say_all
from voxgate.survey.questions import of_host

if TYPE_CHECKING:
    from collections.abc import Iterator

    from voxgate.model.estate import Containers, Estate
    from voxgate.model.evidence import ContainerFact, EnginesFact, ProcessFact
    from voxgate.model.look import Evidence, Look

OK = 200
GOES_ON = frozenset("RSDI")  # the kernel's letters for a process that runs, or will as soon as there is something to do


@invariant(
    per="host_name",
    waivable=True,
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
    livekit-sip are in containers, by image, compose project, command, mounts and rights, since a name can be given to anything;
    elsewhere there is no container of any state, no engine.
    """
    host = evidence.second.host(host_name)
    engines, processes = known(host.engines), known(host.processes)
    wrong: dict[str, str] = {}
    unseen: list[str] = []
    if Role.SIP in estate.host(host_name).roles and estate.containers.images:
        if "docker" not in engines.engines:
            hint = "systemctl status docker; the probe asks as root"
            raise Blind("the docker engine did not answer", where=host_name, hint=hint)
        wrong |= _beside_livekit(engines, estate.containers)
        mend = "docker compose up -d --force-recreate in its project, or say so in [containers] of the estate"
        for one in engines.containers:
            if _is_livekits(one, estate.containers):
                wrong |= dict.fromkeys(_not_as_pinned(one, estate.containers), mend)
                unseen += [f"the engine did not say what container {one.name} is made of"] if one.made is None else []
    else:
        wrong |= {_said(one): "the services run under systemd: remove it" for one in engines.containers}
        mend = "containers are for the SIP hosts only: stop and remove it"
        wrong |= {f"a container engine is here: {name}": mend for name in (*engines.engines, *engines.traces)}
    ours = {one.id[:12] for one in engines.containers}
    wrong |= {
        f"process {one.pid} ({one.command}) runs in a container that no engine lists": "stop it, and whatever runs it"
        for one in processes
        if one.container and not one.container.startswith(tuple(ours))
    }
    if unseen and not wrong:
        raise Blind("; ".join(unseen), where=host_name, hint="look again")
    assert not wrong, say_all(host_name, [*wrong, *unseen], "; ".join(dict.fromkeys(wrong.values())))


def _is_livekits(one: ContainerFact, wanted: Containers) -> bool:
    return repository_of(one.image) in wanted.images and one.project == wanted.project


def _beside_livekit(engines: EnginesFact, wanted: Containers) -> dict[str, str]:
    """What is not livekit's on a SIP host, or not there once, and what to do about it."""
    others = [name for name in engines.engines if name != "docker"]
    found = {f"another container engine is here: {name}": "remove it" for name in (*others, *engines.traces)}
    foreign = [one for one in engines.containers if not _is_livekits(one, wanted)]
    found |= {_said(one): "only livekit and livekit-sip may run in containers" for one in foreign}
    for image in wanted.images:
        count = sum(repository_of(one.image) == image for one in engines.containers)
        if count != 1:
            found[f"{count} containers of {image}, not one"] = "docker compose up -d in its project"
    return found


def _not_as_pinned(one: ContainerFact, wanted: Containers) -> Iterator[str]:
    """What of its image, command, mounts and rights is not as the estate says."""
    where, image = f"container {one.name}", repository_of(one.image)
    pin, _, digest = wanted.pins.get(image, image).partition("@")
    if pin not in {image, one.image.partition("@")[0]}:
        yield f"{where} is of {one.image}, not {pin}"
    if one.made is None:
        return
    if digest and digest not in one.made.digests:
        yield f"{where} is of another image than {digest}"
    wants = wanted.commands.get(image)
    as_wanted = one.made.as_image if wants is None else tuple(uncut(word, where) for word in one.made.command) == wants
    if not as_wanted:
        yield f"{where} runs `{' '.join(one.made.command)}`, not `{' '.join(wants or one.made.own_command)}`"
    yield from (
        f"{where} has {mount} mounted, which the estate does not name" for mount in one.made.mounts if mount not in wanted.mounts
    )
    yield from (
        f"{where} runs with {right}, which the estate does not allow" for right in one.made.rights if right not in wanted.rights
    )


def _said(one: ContainerFact) -> str:
    """A container that should not be there, in words."""
    return f"container {one.name} of image {one.image} ({one.state}, {one.engine})"


@invariant(
    per="host_name",
    roles=("sip",),
    needs=("containers",),
    faults=("livekit-stopped", "livekit-restart-loop", "livekit-halted"),
    severity="blocker",
)
def test_livekit_is_healthy(host_name: str, estate: Estate, evidence: Evidence) -> None:
    """Without livekit no call has media: both containers run, neither restarted between the looks nor halted, and livekit
    answers.
    """
    first, second = ({one.image: one for one in _containers(look, host_name)} for look in (evidence.first, evidence.second))
    for image in estate.containers.images:
        after = [one for name, one in second.items() if repository_of(name) == image]
        assert after, say(f"{host_name}: no container of {image}", "docker compose up -d in its project")
        assert after[0].state == "running", say(
            f"{host_name}: {after[0].name} is {after[0].state} ({after[0].status})", f"docker logs {after[0].name}"
        )
        before = [one for name, one in first.items() if repository_of(name) == image]
        assert before and before[0].id == after[0].id and before[0].state == "running", say(
            f"{host_name}: {after[0].name} was replaced or restarted between the looks", f"docker logs {after[0].name}"
        )
        halted = [one for one in _inside(evidence.second, host_name, after[0].id) if one.state not in GOES_ON]
        assert not halted, say(
            f"{host_name}: process {halted[0].pid} ({halted[0].command}) of {after[0].name} is halted (state {halted[0].state})",
            f"docker restart {after[0].name}, and look for who stopped it",
        )
        # The engine starts what died again under the same id: its first process is another one then.
        main = [_first_process(look, host_name, after[0].id) for look in (evidence.first, evidence.second)]
        assert main[0] == main[1], say(
            f"{host_name}: {after[0].name} was restarted between the looks: its process {main[0]} became {main[1]}",
            f"docker logs {after[0].name}",
        )
    if estate.containers.health is None:
        raise Blind(
            "the estate does not say where livekit answers",
            where=host_name,
            hint='[containers] health = { port = 7880, path = "/" }',
        )
    for name, endpoint in {"livekit": estate.containers.health, **estate.containers.answers}.items():
        question = of_host(estate.host(host_name), endpoint)
        answer = evidence.second.answer(question)
        assert not answer.trouble and answer.status == OK, say(
            f"{host_name} GET :{question.port}{question.path}: {name} {answer.trouble or f'answers {answer.status}'}",
            "docker compose logs in its project",
        )


def _first_process(look: Look, host: str, container: str) -> int:
    """The process that a container was started with: the oldest in it. Raises Blind if none was seen."""
    return min(_inside(look, host, container), key=lambda one: (one.started, one.pid)).pid


def _inside(look: Look, host: str, container: str) -> list[ProcessFact]:
    """Every process of a container. Raises Blind if none was seen."""
    inside = [one for one in known(look.host(host).processes) if one.container and one.container.startswith(container[:12])]
    if not inside:
        raise Blind("no process of this running container was seen", where=host, why=container[:12])
    return inside


def _containers(look: Look, host: str) -> tuple[ContainerFact, ...]:
    engines = known(look.host(host).engines)
    if "docker" not in engines.engines:
        raise Blind("the docker engine did not answer", where=host, hint="systemctl status docker; the probe asks as root")
    return engines.containers
