"""An entry for an agent's container is offered where an estate may have it, and nowhere else: what is offered must load."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from voxgate.contracts.estates import FOLDER, load_estate
from voxgate.errors import EstateError
from voxgate.model.evidence import ContainerFact

from .conftest import Case
from .test_at_the_edge import AGENT, agents, made

RULE = "only-livekit-in-containers"
OURS = "the services run under systemd, and livekit stands in [containers]"
THEIRS = "gives vector/vector what is a service's"

NEVER = {
    "a service's name": (replace(AGENT, image="x/backend:1"), OURS),
    "a service's repository": (replace(AGENT, image="vox-agents"), OURS),
    "a unit's name": (replace(AGENT, image="registry.example/x/voxcore:2"), OURS),
    "a service's project": (replace(AGENT, project="voxdialler"), OURS),
    "livekit's project": (replace(AGENT, project="livekit"), OURS),
    "livekit's image": (replace(AGENT, image="livekit/sip:v9"), OURS),
    "all of the host": (made(mounts=("/:/host",)), THEIRS),
    "what is around the services": (made(mounts=("/opt:/o",)), THEIRS),
    "what is a service's": (made(mounts=("/opt/vox-dialler/.env:/e",)), THEIRS),
}
MAY = {
    "an agent": AGENT,
    "one of a name that only begins so": replace(AGENT, image="x/voxcore-exporter:1", project="backends"),
    "one that is given what stands beside": made(mounts=("/optional:/o", "/opt/vox-agents-logs:/l")),
}


def _said(case: Case, one: ContainerFact) -> list[str]:
    """For which words the rule offers an entry."""
    (found,) = agents(case, one, named=False).judgements([RULE])
    return [" ".join(map(str, entry.place)) for entry in found.entries]


def _as_estate(one: ContainerFact, folder: Path) -> None:
    """Read the lab's estate with the agent in it."""
    assert one.made is not None
    shutil.copy(FOLDER / "services.toml", folder)
    words = f'image = "{one.image}", project = "{one.project}", mounts = {json.dumps(one.made.mounts)}'
    text = (FOLDER / "lab.toml").read_text("utf-8")
    (folder / "lab.toml").write_text(f"{text}\n[agents]\nsip-1 = [{{ {words} }}]\n", "utf-8")
    load_estate("lab", folder)


@pytest.mark.parametrize("name", NEVER)
def test_what_an_estate_is_refused_for_is_not_offered(green: Case, tmp_path: Path, name: str) -> None:
    one, why = NEVER[name]
    assert not [place for place in _said(green, one) if place.startswith("agents")]
    with pytest.raises(EstateError) as caught:
        _as_estate(one, tmp_path)
    assert why in caught.value.line


@pytest.mark.parametrize("name", MAY)
def test_what_is_offered_loads(green: Case, tmp_path: Path, name: str) -> None:
    assert _said(green, MAY[name]) == ["agents sip-1"]
    _as_estate(MAY[name], tmp_path)
