"""A fault's hints, followed in place of its own mend: that the lab is better for it, and holds."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from lab.proving import breaking
from lab.proving.following import follow
from lab.proving.judge import Finding, judge, look
from lab.proving.proof import Proof, leads_of
from voxgate.errors import VoxgateError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from voxgate.model.estate import Estate

LONGEST = 1000  # characters of one trouble


def heal(proof: Proof) -> None:
    """Type what the hints of its findings say, where its header says that this is enough."""
    if not proof.fault.follow or proof.trouble or not proof.findings:
        return
    proof.typed, proof.trouble = follow(proof.leads, dict(proof.fault.fill), proof.fault.edit)
    if not proof.trouble and not breaking.is_mended_by_hand(proof.fault):
        last = "; ".join(f"{one.text}: {one.said} ({one.status})" for one in proof.typed)
        proof.trouble = f"its hints were followed, and it is still broken: {last}"[:LONGEST]


def by_its_estate(proofs: Sequence[Proof], estate: Estate, work: Path) -> None:
    """The same where the estate says something besides: by that all must hold once the hints were followed. What they left is
    taken away then: the lab's own estate does not know it.
    """
    typed = [proof for proof in proofs if proof.typed]
    red = judge(estate, look(estate, work / "followed", None)) if typed else {}
    for proof in typed:
        _blame(proof, red)
        with suppress(VoxgateError):  # it is mended: what is left of it may be less than its own mend looks for
            breaking.mend(proof.fault)


def heal_on(
    proofs: Sequence[Proof], estate: Estate, work: Path, until_green: Callable[[Estate, Path], dict[str, Finding]]
) -> dict[str, Finding]:
    """Follow what the next look still says of them, once: what one cause hid. What does not hold in the end; then their own mends
    were done after all.
    """
    red = judge(estate, look(estate, work / "green", None))
    for proof in proofs:
        left = [one.judgement for name, one in red.items() if name in proof.declared and one.judgement is not None]
        if proof.typed and left:
            proof.typed += follow(leads_of(left), dict(proof.fault.fill), proof.fault.edit)[0]
    if red:
        red = until_green(estate, work)
    if red:
        for proof in proofs:
            if proof.typed:
                _blame(proof, red)
                breaking.mend(proof.fault)
        red = until_green(estate, work)
    return red


def _blame(proof: Proof, red: dict[str, Finding]) -> None:
    """Say of one whose hints were followed what does not hold."""
    if red and not proof.trouble:
        first = next(iter(red.keys() & proof.declared or red))
        proof.trouble = f"its hints were followed, and {first} does not hold: {red[first].found}"[:LONGEST]


def unlike(proofs: Sequence[Proof]) -> Iterator[tuple[Proof, str]]:
    """Each whose hints must have the same commands as another's that was proved too, and have not, with why."""
    by_name = {proof.fault.name: proof for proof in proofs}
    for proof in proofs:
        other = by_name.get(proof.fault.alike)
        if other is not None and not proof.trouble and (proof.hinted != other.hinted or not proof.hinted):
            differ = ", ".join(sorted(proof.hinted ^ other.hinted)) or "it has none"
            yield proof, f"its hints are not as those of {other.fault.name}: {differ}"[:LONGEST]
