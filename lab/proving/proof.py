"""What came of one fault."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from lab import estate
from lab.proving.fault import Fault
from lab.proving.following import Typed
from lab.proving.judge import RED, Finding
from voxgate.report.causes.grouping import causes_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from voxgate.model.verdict import Judgement

_HOSTS = frozenset(host.name for host in estate.hosts())


@dataclass(slots=True)
class Proof:
    """What came of one fault."""

    fault: Fault
    declared: dict[str, str]
    seen: dict[str, Finding] = field(default_factory=dict)
    unsaid: list[str] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    """What is wrong with what a person reads of it."""
    hinted: frozenset[str] = frozenset()
    """The kinds of commands that its hints have."""
    typed: list[Typed] = field(default_factory=list)
    """What was typed where its hints were followed, in place of its mend."""
    trouble: str = ""
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def proved(self) -> bool:
        """Exactly the declared turned exactly as declared, and the lab was mended."""
        return not self.trouble and not self.differences

    @property
    def differences(self) -> list[str]:
        """Each judgement that came otherwise than declared, in words."""
        seen = {one: finding.verdict for one, finding in self.seen.items()}
        said = []
        for one in sorted({*self.declared, *seen}):
            wanted, came = self.declared.get(one, "holds"), seen.get(one, "holds")
            if wanted != came:
                found = f": {self.seen[one].found}" if one in self.seen else ""
                said.append(f"{one} is {came}, declared {wanted}{found}")
        said += [f"is not said: {one}" for one in self.unsaid]
        return said or self.told

    @property
    def findings(self) -> list[Judgement]:
        """What was judged here, and does not hold."""
        return [finding.judgement for finding in self.seen.values() if finding.judgement and finding.verdict in RED]

    @property
    def leads(self) -> list[Judgement]:
        """The findings whose hints stand on the terminal."""
        return leads_of(self.findings)


def leads_of(findings: Sequence[Judgement]) -> list[Judgement]:
    """Of findings those whose hints stand on the terminal. Where nobody could look, the host is the one that it says."""
    found = []
    for cause in causes_of(findings):
        for one in cause.leads:
            where = one.found.partition(": could not look")[0] if cause.blinds else ""
            found.append(replace(one, host=where) if where in _HOSTS else one)
    return found
