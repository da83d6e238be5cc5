"""The plan: which release of which service goes where, and what to go back to. Made before any host is touched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from voxgate.deploy.hosts.executor import Task
from voxgate.deploy.hosts.last_known_good import way_back
from voxgate.deploy.hosts.state import Good, LastKnownGood
from voxgate.errors import Mistyped, Refused
from voxgate.model.estate import Estate, Placement
from voxgate.model.evidence import Missing
from voxgate.model.nearest import nearest
from voxgate.model.release import Release, RemoteView, Tag
from voxgate.model.run_facts import How
from voxgate.model.service import Service

NEWEST = ""
MAIN = "main"
PREVIOUS = "previous"
_ANYWHERE = timedelta(days=1)  # somewhere it is tomorrow already
_NAME_ONE = "whose tag is it? If it is meant, name it: TAG=..."
_WORDS = {NEWEST, MAIN, PREVIOUS}


@dataclass(frozen=True, slots=True)
class Request:
    """``--deploy SERVICE[=TAG]``, read. ``wanted`` is a tag, ``main``, ``previous`` (the last known good before the current
    one), or empty for the newest release on main. ``back``: to a release that was on the hosts before, by what is there.
    """

    service: str
    wanted: str = NEWEST
    back: bool = False


@dataclass(frozen=True, slots=True)
class Target:
    """One service of a deploy: its release, where it goes, and what was last known good there (by placement id).

    ``is_on_hosts``: it is a release that was there before, and neither forge nor registry is asked for it. On a way back
    ``wanted`` is what the deploy wanted, ``run`` whose deploy it was, and ``undo`` what it changed on each placement, None
    where nobody knows. ``how`` is what a person asked for, in the ledger's word, and empty where an earlier run was asked.
    """

    service: Service
    release: Release
    placements: tuple[Placement, ...]
    before: Mapping[str, LastKnownGood | None]
    is_on_hosts: bool = False
    wanted: Release | None = None
    run: str = ""
    how: str = ""
    undo: Mapping[str, frozenset[str] | None] = field(default_factory=dict)

    def undoes(self, placement: Placement, *what: str) -> bool:
        """True where a way back must put any of this back: it was changed, or may have been."""
        changed = self.undo.get(placement.id)
        return changed is None or not changed.isdisjoint(what)

    def kept(self, placement: Placement) -> tuple[str, ...]:
        """Units that a way back does not restart, as the deploy did not."""
        return tuple(unit for unit in placement.units if not self.undoes(placement, unit))

    @property
    def way_back(self) -> Release | None:
        """The release to go back to, None where no host knows one."""
        return way_back(self.before)[0]

    def task(self, placement: Placement) -> Task:
        """What the journal of one placement says."""
        return Task(placement, self.wanted or self.release, self.way_back, self.run, self.how)

    @property
    def tasks(self) -> tuple[Task, ...]:
        """One for each placement."""
        return tuple(self.task(placement) for placement in self.placements)


@dataclass(frozen=True, slots=True)
class Plan:
    """All targets, in the order of the deploy."""

    targets: tuple[Target, ...]

    @property
    def placements(self) -> tuple[Placement, ...]:
        """Every service on every host that this plan touches."""
        return tuple(placement for target in self.targets for placement in target.placements)

    @property
    def tasks(self) -> tuple[Task, ...]:
        """One for each of them."""
        return tuple(task for target in self.targets for task in target.tasks)


def read_requests(deploy: Sequence[str], rollback: Sequence[str], estate: Estate) -> tuple[Request, ...]:
    """``all``, ``backend``, ``backend,fleet``, ``backend=TAG``, ``all=main`` of ``--deploy`` and ``--rollback``, checked by form.
    Going back without a tag is to the release before. Raises Refused in one line.
    """
    names = [service.name for service in estate.services]
    requests: dict[str, Request] = {}
    asked = [*((text, "--deploy") for text in deploy), *((text, "--rollback") for text in rollback)]
    for text, option in asked:
        chosen, wanted = _read_words(text, option, names)
        back = option == "--rollback" or wanted == PREVIOUS
        for service in chosen:
            request = Request(service, PREVIOUS if back and not wanted else wanted, back)
            if requests.get(service, request) != request:
                raise Refused(f"{service} is asked for twice, differently", where=option)
            if wanted not in _WORDS:
                _must_be_a_tag(wanted, estate.service(service))
            requests[service] = request
    return tuple(requests[name] for name in names if name in requests)


def how_of(requests: Sequence[Request], *, recover: bool) -> How:
    """What is asked for, in a word. What a deploy recovers before it begins is part of the deploy."""
    ways = {request.back for request in requests}
    if ways:
        return How.BOTH if len(ways) > 1 else How.ROLLBACK if ways == {True} else How.DEPLOY
    return How.RECOVER if recover else How.LOOK


def _read_words(text: str, option: str, names: Sequence[str]) -> tuple[Sequence[str], str]:
    """The services and the tag of one request. Raises Refused for words that cannot be meant."""
    listed, equals, wanted = text.partition("=")
    chosen = listed.split(",")
    where = f"{option} {text!r}"
    if equals and not wanted:
        raise Refused("no tag after the equals sign", where=where, hint=f"{option} {listed} is enough")
    if option == "--rollback" and wanted == MAIN:
        raise Refused("the head of main is nothing to go back to", where=where, hint="--deploy, or a tag")
    for name in chosen:
        if name not in {*names, "all"}:
            near = nearest(name, [*names, "all"])
            hint = f"did you mean {near}?" if near else f"services: {', '.join(names)}, all"
            why = name if len(chosen) > 1 else ""
            raise Refused("there is no such service", where=where, why=why, hint=hint)
    if (len(chosen) > 1 or "all" in chosen) and wanted not in _WORDS:
        raise Refused("a tag is of one service", where=where, hint=f"one {option} for each: {option} backend=TAG")
    return names if "all" in chosen else chosen, wanted


def check_requests(
    estate: Estate, requests: Sequence[Request], remotes: Mapping[str, RemoteView | Missing]
) -> tuple[tuple[Service, Release], ...]:
    """Each release that is asked for, by the remotes alone, before any host is held. Raises Refused where one may not be."""
    services = [(request, estate.service(request.service)) for request in requests if not request.back]
    return tuple((one, resolve(request, one, _said(remotes[one.name], one))) for request, one in services)


def _said(remote: RemoteView | Missing, service: Service) -> RemoteView:
    """What the remote says. Raises Refused where it says nothing."""
    if isinstance(remote, Missing):
        raise Refused("the remote could not be asked", where=service.repository, why=remote.why, hint=remote.hint)
    return remote


def _must_be_a_tag(text: str, service: Service) -> None:
    """Raises Refused for what is none of the right form and repository."""
    tag = Tag.parse(text)
    form = f"{service.repository}-YYYY.MM.DD-N"
    if tag is None:
        raise Refused("this is no release tag", where=f"{service.name}={text!r}", hint=f"a tag looks like {form}")
    if tag.repository != service.repository:
        why = f"it is a release of {tag.repository}"
        raise Refused("this tag is of another service", where=f"{service.name}={text}", why=why, hint=f"looks like {form}")


def resolve(request: Request, service: Service, remote: RemoteView, today: date | None = None) -> Release:
    """The release that is meant, as the remote says it. Raises Mistyped where it has none of that name, and Refused: not on main,
    or nothing to choose.
    """
    if request.wanted == MAIN:
        tags = [tag for text, commit in remote.tags.items() if commit == remote.main and (tag := Tag.parse(text))]
        return Release(service.name, remote.main, str(max(tags)) if tags else None)
    if request.wanted == NEWEST:
        return _newest(service, remote, today or datetime.now(UTC).date())
    commit = remote.tags.get(request.wanted)
    where = f"{service.name}={request.wanted}"
    if commit is None:
        may_be_deployed = [text for text, commit in remote.tags.items() if commit in remote.on_main]
        near = nearest(request.wanted, may_be_deployed)
        hint = f"did you mean {near}?" if near else "an annotated tag, pushed"
        raise Mistyped("the remote has no such tag", where=where, why=remote.url, hint=hint)
    if commit not in remote.on_main:
        why = f"{commit[:12]} is not an ancestor of main at {remote.url}"
        raise Refused("this release is not on main", where=where, why=why, hint="merge it first; code moves only one way")
    return Release(service.name, commit, request.wanted)


def _newest(service: Service, remote: RemoteView, today: date) -> Release:
    """The newest release on main: after which main has no other; of several, the one of the last day. Nobody named it, and the
    name of a tag is the word of whoever made it: so a day that has not come is refused, and a commit that main never was.
    """
    on_main = sorted(tag for text, commit in remote.tags.items() if commit in remote.on_main and (tag := Tag.parse(text)))
    if not on_main:
        hint = "TAG=main deploys the head of main and tags it when it is done"
        raise Refused("there is no release on main yet", where=service.repository, hint=hint)
    if on_main[-1].day > today + _ANYWHERE:
        why = f"today is {today:%Y.%m.%d}"
        raise Refused(f"the day of {on_main[-1]} has not come", where=service.repository, why=why, hint=_NAME_ONE)
    last = [tag for tag in on_main if remote.newest is None or remote.tags[str(tag)] in remote.newest]
    newest = str((last or on_main)[-1])
    commit = remote.tags[newest]
    if remote.line is not None and commit not in remote.line:
        why = f"{commit[:12]} came to main by a merge, and main itself never stood there"
        raise Refused(f"{newest} is not on main's own line", where=service.repository, why=why, hint=_NAME_ONE)
    return Release(service.name, commit, newest)


def _previous(service: Service, before: Mapping[str, LastKnownGood | None]) -> Release:
    """The last known good before the current one. Raises Refused where any host knows none, or they know different ones."""
    known = {good.previous if good else None for good in before.values()}
    previous = known.pop() if len(known) == 1 else None
    if previous is None:
        hint = f"name one: TAG={service.repository}-YYYY.MM.DD-N"
        raise Refused("there is no release to go back to", where=service.name, why="its hosts do not know one", hint=hint)
    return previous


def make_plan(
    estate: Estate,
    requests: Sequence[Request],
    remotes: Mapping[str, RemoteView | Missing],
    state: Mapping[str, Good],
) -> Plan:
    """The plan, or Refused: a remote that did not answer, a tag that is not there, a state that cannot be read."""
    targets = []
    for request in requests:
        service = estate.service(request.service)
        placements = tuple(placement for placement in estate.placements if placement.service.name == service.name)
        before: dict[str, LastKnownGood | None] = {}
        for placement in placements:
            known = state[placement.id]
            if isinstance(known, Missing):
                raise Refused("last-known-good cannot be read", where=known.where, why=known.why, hint=known.hint)
            before[placement.id] = known
        if request.wanted == PREVIOUS:
            release = _previous(service, before)
        else:
            release = resolve(request, service, _said(remotes[service.name], service))
        if request.back and all(good and good.release.commit == release.commit for good in before.values()):
            hint = "--deploy puts it there again"
            raise Refused(f"{release} is what is last known good already", where=service.name, hint=hint)
        how = "rollback" if request.back else "deploy"
        targets.append(Target(service, release, placements, before, is_on_hosts=request.back, how=how))
    return Plan(tuple(targets))


def next_tag(service: Service, tags: Mapping[str, str], today: date) -> Tag:
    """The next release tag of the day: one more than the greatest number the remote has, on main or not."""
    taken = [tag.number for text in tags if (tag := Tag.parse(text)) and tag.day == today]
    return Tag(service.repository, today, max(taken, default=0) + 1)
