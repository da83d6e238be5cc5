"""From the probe's document to evidence, strictly: what is not of the promised form is a Missing, never a guess.

The types of ``HostEvidence`` say what the form is (``contracts.typed``). Nothing here raises for what a host says: a wrong type
makes that one fact unparsable; every other fact is still read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from voxgate.contracts import typed
from voxgate.contracts.typed import WrongFormError
from voxgate.model.evidence import HostEvidence, Missing, ProcessFact
from voxgate.model.forms import Number
from voxgate.model.installed import install_probe
from voxgate.probe.built import digest, placed
from voxgate.survey.document import OF_HOST, SOCKETS, sections
from voxgate.survey.remedies import for_look

KINDS = frozenset({"denied", "missing", "timeout", "unparsable", "failed", "unreachable"})


class _Lost(dict[str, Any]):
    """A section with a fact for each service of which there is none: whichever is asked for is missing for the same reason."""

    def __init__(self, why: Missing) -> None:
        super().__init__()
        self._why = why

    def __missing__(self, _service: str) -> Missing:
        return self._why


def host_evidence(name: str, document: object) -> HostEvidence:
    """Everything that the document of host ``name`` says; each fact that it does not say properly is a Missing."""
    told = document if isinstance(document, dict) else {}
    facts = _Facts(name, told)
    single, each = sections()
    found: dict[str, Any] = {key: facts.of_host(key, kind) for key, kind in OF_HOST.items()}
    found |= {key: facts.section(key, kind) for key, kind in single.items()}
    found |= {key: facts.of_services(key, kind) for key, kind in each.items()}
    sockets = found.pop("sockets")
    found |= {key: sockets if isinstance(sockets, Missing) else getattr(sockets, key) for key in SOCKETS}
    found["processes"] = facts.with_itself(found["processes"])
    return HostEvidence(
        name=name,
        **found,
        asked=facts.turn(),
        answered=facts.of_gate("answered"),
        took=facts.of_probe("seconds"),
        signed_by=facts.noted("signed_by"),
        noise=facts.noted("noise"),
        probe=facts.sha256,
        document=told,
    )


class _Facts:
    """One document, fact by fact."""

    def __init__(self, host: str, document: Mapping[str, object]) -> None:
        """Nothing is trusted yet."""
        self._host = host
        self._head = document.get("host")
        self._sections = document.get("sections")
        self._gate = document.get("gate")
        self._probe = probe = document.get("probe")
        self._is_root = isinstance(probe, dict) and probe.get("uid") == 0
        self.sha256 = str(probe.get("sha256", "")) if isinstance(probe, dict) else ""
        self._is_ours = self.sha256 == digest()

    def of_host(self, key: str, kind: Any) -> Any:
        """One of the host's own facts."""
        value = self._head.get(key) if isinstance(self._head, dict) else None
        if value is None:
            return self._missing("missing", f"{key}: the probe could not read it")
        return self._read(key, value, kind)

    def of_gate(self, key: str) -> float | Missing:
        """One of the times that the gate noted when it asked."""
        return self._number(self._gate, key, "the gate did not note it")

    def turn(self) -> float | Missing:
        """When the probe had its turn, on the gate's clock: once it was asked for, and had waited for others."""
        asked, waited = self.of_gate("asked"), self._number(self._probe, "waited", "")
        return asked if isinstance(asked, Missing) or isinstance(waited, Missing) else asked + waited

    def noted(self, key: str) -> str:
        """Words that the gate noted when it asked, empty where there are none."""
        value = self._gate.get(key) if isinstance(self._gate, dict) else None
        return value if isinstance(value, str) else ""

    def of_probe(self, key: str) -> float | Missing:
        """A number that the probe says of itself."""
        return self._number(self._probe, key, "the probe did not say it")

    def with_itself(self, processes: tuple[ProcessFact, ...] | Missing) -> tuple[ProcessFact, ...] | Missing:
        """All processes. The probe itself must be among them: a list without it hides something."""
        pid = self._probe.get("pid") if isinstance(self._probe, dict) else None
        if isinstance(processes, Missing) or (type(pid) is int and pid in {process.pid for process in processes}):
            return processes
        return self._unparsable("processes: the probe does not find itself")

    def _number(self, row: object, key: str, why: str) -> float | Missing:
        """A number of the document's edge."""
        value = row.get(key) if isinstance(row, dict) else None
        found: float | Missing = self._missing("missing", f"{key}: {why}") if value is None else self._read(key, value, Number)
        return found

    def section(self, name: str, kind: Any) -> Any:
        """A section that is one fact."""
        return self._outcome(name, self._sections.get(name) if isinstance(self._sections, dict) else None, kind)

    def of_services(self, name: str, kind: Any) -> dict[str, Any]:
        """A section with one fact for each service; the same for each where there is no section."""
        section = self.section(name, dict[str, Any])
        if isinstance(section, Missing):
            return _Lost(section)
        return {service: self._outcome(f"{name} of {service}", outcome, kind) for service, outcome in section.items()}

    def _outcome(self, what: str, outcome: object, kind: Any) -> Any:
        """What ``{"value": ...}`` or ``{"error": {"kind", "text"}}`` says."""
        if isinstance(outcome, dict) and "value" in outcome and "error" not in outcome:
            return self._read(what, outcome["value"], kind)
        error = outcome.get("error") if isinstance(outcome, dict) and "value" not in outcome else None
        why, said = (error.get("kind"), error.get("text")) if isinstance(error, dict) else (None, None)
        if not isinstance(why, str) or not isinstance(said, str):
            return self._unparsable(f"{what}: neither a value nor an error")
        return self._missing(why if why in KINDS else "failed", f"{what}: {placed(said) if self._is_ours else said}")

    def _read(self, what: str, value: object, kind: Any) -> Any:
        """The value, read; Missing if it is of another form."""
        try:
            return typed.read(value, kind)
        except WrongFormError as error:
            return self._unparsable(f"{what}: {error}")

    def _unparsable(self, why: str) -> Missing:
        """What an earlier release's probe tells in another form, ours may tell."""
        found = self._missing("unparsable", why)
        return found if found.hint or self._is_ours else replace(found, hint=install_probe())

    def _missing(self, kind: str, why: str) -> Missing:
        """Why a fact is not there, and what would mend it."""
        as_root = kind == "denied" and not self._is_root
        return Missing(
            kind, why, self._host, f"the probe ran without root's rights: {install_probe()}" if as_root else for_look(why)
        )
