"""What an estate lets in (``[promotion]``, ``--require-attested``): asked once its hosts are held, before anything is touched."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from voxgate.contracts.approvals import NAMESPACE as APPROVAL
from voxgate.contracts.approvals import notes_in, read_approval
from voxgate.contracts.envelope import decode
from voxgate.contracts.statement import NAMESPACE as RUN
from voxgate.contracts.statement import Attested, read_statement
from voxgate.deploy.hosts import journal_writer
from voxgate.deploy.hosts.claim import Claim
from voxgate.deploy.hosts.executor import Task
from voxgate.deploy.hosts.journal import MOST_REASON
from voxgate.errors import Refused, VoxgateError
from voxgate.model.counting import counted
from voxgate.model.estate import Estate
from voxgate.model.promotion import Promotion
from voxgate.model.release import Release
from voxgate.model.service import Service
from voxgate.model.verdict import RunVerdict
from voxgate.transport.ssh.keygen import verify

Asked = Sequence[tuple[Service, Release]]

_AHEAD = timedelta(minutes=10)
"""By which the clock of another gate may be ahead of this one's."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """An attestation with its signature, wherever it was found."""

    where: str
    body: bytes
    signature: bytes


Bundles = Callable[[str, Service, Release], Iterable[Bundle]]
"""Attestations of an estate that may be about a release, the newest first."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What is asked of a deploy: the estate's rule, where attestations are found, the folder of notes, and who said yes in
    Jenkins (empty for nobody). ``override``: it goes all the same, for that ``reason``.
    """

    promotion: Promotion
    bundles: Bundles
    notes: Path
    said_yes: str = ""
    override: bool = False
    reason: str = ""

    def refusal(self, estate: Estate, asked: Asked, now: datetime | None = None) -> Refused | None:
        """Why these releases are not let in now, all of it at once, with the next open time; None where they are."""
        now = now or datetime.now(UTC)
        whys = [shut] if (shut := self.promotion.shut(now)) else []
        for service, release in asked:
            whys += [f"{service.name} {release}: {why}" for why in self._of(estate, service, release, now)]
        if not whys:
            return None
        return Refused(f"{estate.name} lets this deploy not in", why="; ".join(whys), hint=self._hint(now, bool(shut)))

    def _of(self, estate: Estate, service: Service, release: Release, now: datetime) -> Iterator[str]:
        if self.promotion.source and (why := self._not_attested(service, release, now)) is not None:
            yield why
        if self.promotion.approvals:
            names = self._approvals(estate, service, release, now)
            if len(names) < self.promotion.approvals:
                by = f" ({', '.join(sorted(names))})" if names else ""
                yield f"approved by {len(names)} of {self.promotion.approvals}{by}"

    def _hint(self, now: datetime, shut: bool) -> str:  # noqa: FBT001 - what is wrong
        opens = self.promotion.opens(now) if shut else None
        ways = [f"it opens {opens:%a %Y-%m-%d %H:%M %Z}" if opens else "it opens at no time within a year"] if shut else []
        if self.promotion.source:
            ways.append(f"what was done on {self.promotion.source} within {counted(self.promotion.age, 'day')} is let in")
        if self.promotion.approvals:
            ways.append("`uv run voxgate approve` signs a note")
        ways.append('or --override-promotion --reason "why"; a rollback and a recovery are always let in')
        return "; ".join(ways)

    def _not_attested(self, service: Service, release: Release, now: datetime) -> str | None:
        """Why no attested run lets this release in; None where one does."""
        source, why = self.promotion.source, ""
        for bundle in self.bundles(source, service, release):
            try:
                said = self._believed(bundle)
            except VoxgateError as error:
                why = why or error.line
                continue
            if said.estate != source or said.deployed.get(service.name) != release.commit:
                continue
            if said.verdict != RunVerdict.DONE:
                why = why or f"run {said.run} on {source} was {said.verdict}"
            elif said.ended > now + _AHEAD:
                why = why or f"run {said.run} on {source} ends in the future"
            elif now - said.ended > timedelta(days=self.promotion.age):
                ago = counted((now - said.ended).days, "day")
                why = why or f"it was done on {source} {ago} ago, at most {self.promotion.age} may be"
            else:
                return None
        return why or f"no attested run says that {release.commit[:12]} was done on {source}"

    def _believed(self, bundle: Bundle) -> Attested:
        """What a signed attestation says. Raises VoxgateError for any other."""
        if not self.promotion.signers:
            raise VoxgateError("nobody knows whose word counts", where=bundle.where, hint="--signers FILE")
        verify(bundle.body, bundle.signature, RUN, Path(self.promotion.signers), bundle.where)
        return read_statement(decode(bundle.body, bundle.where).payload, bundle.where)

    def _approvals(self, estate: Estate, service: Service, release: Release, now: datetime) -> frozenset[str]:
        """Who approved it: by a note that is signed and still counts, or by Jenkins' input. One name is one person."""
        names = {self.said_yes}.intersection(self.promotion.inputs)
        for path, body, signature in notes_in(self.notes) if self.promotion.approvers else ():
            with suppress(VoxgateError):
                note = read_approval(body, path.name)
                about = (note.estate, note.service, note.commit) == (estate.name, service.name, release.commit)
                if about and now <= note.ends:
                    signer = verify(body, signature, APPROVAL, Path(self.promotion.signers), path.name)
                    names |= {signer.name} & set(self.promotion.approvers)
        return frozenset(names)

    def judge(self, estate: Estate, asked: Asked, claim: Claim) -> str:
        """Raises Refused, once the ledgers of all that was asked for say so, where it is not let in. Where a person goes on all
        the same, returns what there is to note of that, once the ledgers say it.
        """
        error = self.refusal(estate, asked) if asked else None
        if error is None:
            return ""
        if self.override:
            said = f"promotion overridden ({self.reason.strip()}): {error.why}"
            _note(estate, asked, claim, "overridden", said)
            return said
        try:
            _note(estate, asked, claim, "refused", error.line)
        except VoxgateError as silent:
            raise Refused(
                error.what, where=error.where, why=f"{error.why}; in no ledger: {silent.line}", hint=error.hint
            ) from None
        raise error


def _note(estate: Estate, asked: Asked, claim: Claim, event: str, reason: str) -> None:
    releases = {service.name: release for service, release in asked}
    tasks = [
        Task(one, releases[one.service.name], None, how="deploy") for one in estate.placements if one.service.name in releases
    ]
    journal_writer.note(claim, tasks, event, reason=claim.cut(reason)[:MOST_REASON])
