"""What the remotes say, and which release must be running: the one just deployed, else the last known good."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime

from voxgate.contracts.estates import cache_folder
from voxgate.deploy.hosts.state import Found, Good, LastKnownGood
from voxgate.deploy.planning.plan import Plan, next_tag
from voxgate.errors import Refused, VoxgateError
from voxgate.model.estate import Estate
from voxgate.model.evidence import Missing
from voxgate.model.release import Release, RemoteView, Tag
from voxgate.model.service import Service
from voxgate.transport.clients.git import Mirror
from voxgate.transport.clients.git_view import mirrored, view


class Remotes:
    """The gate's mirrors of the four repositories. They are asked once a run, beside other work: reading ``views`` waits."""

    def __init__(self, estate: Estate) -> None:
        """Nothing is asked yet."""
        self._estate = estate
        self._asked: dict[str, Future[RemoteView | Missing]] = {}
        self.silent: dict[str, str] = {}
        self.mirrors = {service.name: Mirror.of(estate, service, cache_folder()) for service in estate.services}

    def ask(self, *, stale: bool = False) -> None:
        """Begin to fetch all mirrors at once. ``stale``: what a remote said last will do where it says nothing now."""
        ask = self._ask_or_remember if stale else self._ask
        pool = ThreadPoolExecutor(max_workers=len(self.mirrors), thread_name_prefix="remote")
        self._asked = {name: pool.submit(ask, name) for name in self.mirrors}
        pool.shutdown(wait=False)

    @property
    def views(self) -> Mapping[str, RemoteView | Missing]:
        """What each remote says, or why it said nothing, by service: waits for those that were asked and did not answer yet."""
        return {name: asked.result() for name, asked in self._asked.items()}

    def on_main(self, service: str, commits: Collection[str]) -> frozenset[str] | None:
        """Those commits that are main's, as the remote said last; None where it never said anything here."""
        with suppress(VoxgateError):
            if self.views:  # once it was asked: a mirror that is old will do where it is silent
                return self.mirrors[service].on_main(commits)
        return None

    def remember(self) -> None:
        """Going back to a release that was known good needs no remote: where one is silent, what it said last will do."""
        for name, said in self.views.items():
            self._asked[name] = Future()
            self._asked[name].set_result(self._stale(name, said))

    def _stale(self, name: str, said: RemoteView | Missing) -> RemoteView | Missing:
        """What the remote said, or what the mirror has where it says nothing. A commit's tree never changes."""
        if not isinstance(said, Missing):
            return said
        last = mirrored(self._estate, self._estate.service(name), cache_folder())
        if isinstance(last, Missing):
            return said
        self.silent[name] = said.why
        return last

    def _ask(self, name: str) -> RemoteView | Missing:
        return view(self._estate, self._estate.service(name), cache_folder())

    def _ask_or_remember(self, name: str) -> RemoteView | Missing:
        return self._stale(name, self._ask(name))

    def tag(self, service: Service, release: Release, run: str) -> tuple[Release, str]:
        """A release that passed, with its tag, and a line to say where something came of it: a head of main gets the tag
        that its commit has already, or else the next of the day, pushed. It is for what this very run resolved, deployed and
        judged: what is pushed follows from no host's word.
        """
        tagged, said = self.has_tag(service, release)
        view = self.views[service.name]
        if tagged.tag is not None or isinstance(view, Missing):
            return tagged, said
        if release.commit not in view.on_main:
            return release, f"{service.name} is done but was not tagged: {release.commit[:12]} is not on main"
        tag = str(next_tag(service, view.tags, datetime.now(UTC).date()))
        try:
            self.mirrors[service.name].push_tag(tag, release.commit, f"{tag}: passed the gate, run {run}")
        except VoxgateError as error:
            return release, f"{service.name} is done but was not tagged: {error.line}"
        return replace(release, tag=tag), f"tagged {service.name}: {tag} is {release.commit[:12]}, pushed"

    def has_tag(self, service: Service, release: Release) -> tuple[Release, str]:
        """The same without a push: with the tag that its commit has already, if it has one."""
        view = self.views[service.name]
        if release.tag is not None:
            return release, ""
        if isinstance(view, Missing):
            return release, f"{service.name} is done but was not tagged: {view.why}"
        there = [one for text, commit in view.tags.items() if commit == release.commit and (one := Tag.parse(text))]
        if there:
            return replace(release, tag=str(max(there))), f"{service.name} has its tag: {max(there)}"
        return release, f"{service.name} is done but was not tagged: --deploy {service.name}=main tags it"

    def with_releases(
        self, releases: Mapping[str, Release | Missing | None], found: Mapping[str, Found]
    ) -> dict[str, RemoteView | Missing]:
        """Each view with the release that must be running, the tree of its commit, what was changed and put back, and by what
        digest of its content that release was judged good.
        """
        views = {name: self._with_release(view, releases[name]) for name, view in self.views.items()}
        for placement in self._estate.placements:
            view, name = views[placement.service.name], placement.service.name
            one, host = found[placement.id], placement.host.name
            if isinstance(view, RemoteView) and one.put_back is not None:
                view = replace(view, put_back={**view.put_back, host: one.put_back})
            if isinstance(view, RemoteView) and one.content:
                view = replace(view, judged={**view.judged, host: one.content})
            views[name] = view
        return views

    def _with_release(self, view: RemoteView | Missing, release: Release | Missing | None) -> RemoteView | Missing:
        if isinstance(view, Missing):
            return view
        if isinstance(release, Missing):
            return release
        if release is None:
            return view
        try:
            tree = self.mirrors[view.service].tree(release.commit)
        except VoxgateError as error:
            return Missing("missing", error.line, view.url, error.hint or "the remote must have the commit that is deployed")
        return replace(view, release=release, tree=tree)


def must_run(
    estate: Estate,
    deployed: Mapping[str, Release],
    state: Mapping[str, Good],
    *,
    looking: bool = False,
) -> Mapping[str, Release | Missing | None]:
    """By service: the release that must be running. Missing where hosts cannot say, or say different things. For ``looking`` a
    host that could not be reached takes no other along: what the others say is what must run there.
    """
    wanted: dict[str, Release | Missing | None] = {}
    for service in estate.services:
        if service.name in deployed:
            wanted[service.name] = deployed[service.name]
            continue
        known = {p.host.name: state[p.id] for p in estate.placements if p.service.name == service.name}
        if looking:
            told = {host: fact for host, fact in known.items() if not (isinstance(fact, Missing) and fact.kind == "unreachable")}
            known = told or known
        unread = [fact for fact in known.values() if isinstance(fact, Missing)]
        releases = {fact.release for fact in known.values() if isinstance(fact, LastKnownGood)}
        if unread:
            wanted[service.name] = unread[0]
        elif len({release.commit for release in releases}) > 1 or (releases and None in known.values()):
            said = ", ".join(f"{host}: {_name(fact)}" for host, fact in known.items())
            hint = f"deploy {service.name} again, with --no-way-back: last-known-good moves on all its hosts at once"
            wanted[service.name] = Missing("failed", f"its hosts disagree on last-known-good: {said}", service.name, hint)
        else:
            # The commit is the release. A gate that died between two hosts may have told its new tag to one of them only.
            wanted[service.name] = max(releases, key=lambda release: release.tag or "", default=None)
    return wanted


def _name(fact: Good) -> str:
    """A last known good in a word."""
    return str(fact.release) if isinstance(fact, LastKnownGood) else "none"


def must_be_judgeable(estate: Estate, plan: Plan, views: Mapping[str, RemoteView | Missing], goods: Mapping[str, Good]) -> None:
    """Raises Refused where it is not known what must run of the services that are not deployed: then nothing could be judged
    after the deploy either, and the way back could not be closed.
    """
    deployed = {target.service.name: target.release for target in plan.targets}
    for known in (views, must_run(estate, deployed, goods)):
        for name, fact in known.items():
            if isinstance(fact, Missing):
                what = f"what must run of {name} is not known: nothing could be judged after a deploy"
                raise Refused(what, where=fact.where, why=fact.why, hint=fact.hint)
