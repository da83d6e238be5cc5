"""The looks of one run: before anything is touched, once all is done, and at what was put back. Each is saved, to be judged."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from voxgate.deploy.hosts.state import read_all
from voxgate.deploy.judging.at_work import say_who_works
from voxgate.deploy.judging.canary import Judge
from voxgate.deploy.judging.since_done import by_host, changes_since
from voxgate.deploy.planning.preflight import must_be_seen
from voxgate.deploy.planning.remotes import Remotes, must_run
from voxgate.deploy.run_context import RunContext
from voxgate.model.look import Evidence, Look
from voxgate.model.release import Release
from voxgate.model.verdict import Judgement, RunVerdict
from voxgate.model.work import Work
from voxgate.survey.collect import remarks, take_look
from voxgate.survey.judged import digests_of
from voxgate.survey.saving import save

Wait = Callable[[float], bool]
"""Waits so many seconds; True where it was told to stop meanwhile."""


class Looks:
    """``folder`` is where the last look of a run is saved; the others have folders beside it. What is to be said of them goes to
    ``notes``.
    """

    def __init__(self, context: RunContext, remotes: Remotes, folder: Path, judge: Judge, notes: list[str]) -> None:
        """Nothing is looked at yet. ``judge`` judges a saved look by itself."""
        self._context, self._remotes, self.folder, self._judge, self._notes = context, remotes, folder, judge, notes
        self._glance: Future[Look] | None = None
        self._ways_back = 0

    @property
    def folder_before(self) -> Path:
        """Where the look is kept that is taken before anything is touched."""
        return self.folder.with_name("evidence-before")

    def glance(self) -> None:
        """Begin the first of two looks while other things are done."""
        pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="glance")
        self._glance = pool.submit(self._brief)
        pool.shutdown(wait=False)

    def forget_glance(self) -> None:
        """It is of what was before."""
        self._glance = None

    def _first(self) -> Look:
        """The first of two looks: the one that was begun, which counts once, else one of now."""
        begun, self._glance = self._glance, None
        return begun.result() if begun else self._brief()

    def _brief(self) -> Look:
        return take_look(self._context.connections, self._context.estate, brief=True)

    def before(self) -> Look:
        """Look at the whole estate before anything is touched, and save it. Raises Refused where not all can be seen."""
        context = self._context
        first = self._first()
        context.stop.wait(max(0.0, first.counts_from + context.estate.look - time.time()))
        second = take_look(context.connections, context.estate)
        must_be_seen(second.hosts)
        views = self._remotes.with_releases(must_run(context.estate, {}, context.goods), context.found)
        changes = by_host(changes_since(context, second, {})) if context.estate.changes else {}
        save(Evidence(first, second, views, self.works(), changes), self.folder_before, context.cutter)
        return second

    def take(
        self, releases: Mapping[str, Release], folder: Path, wait: Wait, only: frozenset[str] | None = None
    ) -> Evidence | None:
        """Two looks with the bake between them, and the remotes' word; saved. None where ``wait`` was told to stop."""
        context = self._context
        bake = context.options.bake
        if bake is None:
            bake = context.estate.bake if context.options.changes else context.estate.look
        first = self._first() if not context.claimed else self._brief()  # before it was claimed another may have been at work
        if wait(max(0.0, first.counts_from + bake - time.time())):  # the window itself is what is observed
            return None
        with ThreadPoolExecutor(max_workers=1, thread_name_prefix="state") as pool:  # whoever has claimed all changes it alone
            state = pool.submit(read_all, context.connections, context.estate) if context.claimed else None
            second = take_look(context.connections, context.estate, only=only)
        context.contents, context.seen = digests_of(context.estate, second), second
        found = state.result() if state else context.found
        views = self._remotes.with_releases(must_run(context.estate, releases, context.goods, looking=True), found)
        tried = {name: str(release) for name, release in releases.items()}
        evidence = Evidence(first, second, views, self.works(), by_host(changes_since(context, second, tried)))
        save(evidence, folder, context.cutter)
        self._notes += [line for line in remarks(second.hosts) if line not in self._notes]
        return evidence

    def works(self) -> tuple[Work, ...]:
        """Other gates at work since the state of the hosts was read; a gate that has claimed them has them alone."""
        context = self._context
        if context.claimed:
            return ()
        return say_who_works(context, read_all(context.connections, context.estate), self._notes)

    def take_and_judge(self, releases: Mapping[str, Release]) -> tuple[RunVerdict, tuple[Judgement, ...]]:
        """Look, and judge in a process of its own: the way back, and what an earlier run left."""
        self._ways_back += 1
        name = "evidence-rollback" if self._ways_back == 1 else f"evidence-rollback-{self._ways_back}"
        folder = self.folder.with_name(name)
        self.take(releases, folder, threading.Event().wait)  # a way back is judged whatever comes
        outcome = self._judge(folder)
        return outcome.verdict, outcome.judgements
