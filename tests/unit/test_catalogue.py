"""The catalogue: read from the source, so that what must be judged does not depend on what pytest collects."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.pages import must_be_as_made
from voxgate.contracts.catalogue import FOLDER, plain_tests, read_catalogue
from voxgate.contracts.estates import load_estate
from voxgate.contracts.schemas import names
from voxgate.errors import ContractError
from voxgate.model.invariant import Threat, expected
from voxgate.report.catalogue_page import as_markdown, as_text
from voxgate.report.threats_page import KINDS, as_page

GOOD = '''
@invariant(per="unit", services=("fleet",), faults=("x",))
def test_all_is_well(unit):
    """Because."""

def test_ours(host):
    assert host
'''


def suite(folder: Path, text: str) -> Path:
    (folder / "test_x.py").write_text(text, "utf-8")
    return folder


def test_an_invariant_is_read_without_running_it(tmp_path: Path) -> None:
    (one,) = read_catalogue(suite(tmp_path, "raise SystemExit\n" + GOOD))
    assert (one.name, one.reason, one.services, one.faults) == ("all-is-well", "Because.", ("fleet",), ("x",))
    assert [one.name for one in plain_tests(tmp_path)] == ["test_x.py::test_ours"]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"""Because."""', "pass", "needs a reason"),
        ('per="unit"', "per=UNIT", "literals"),
        ('per="unit"', 'per="machine"', "per="),
        ('per="unit"', 'per="unit", fault=()', "unknown argument 'fault'"),
        ('per="unit"', 'per="unit", roles=("moon",)', "roles="),
        ('per="unit"', 'per="unit", needs=("moon",)', "moon"),
        ("def test_all_is_well(unit):", "def test_all_is_well(unit:", "cannot be read"),
    ],
)
def test_an_invariant_that_cannot_be_read_is_one_line(tmp_path: Path, old: str, new: str, said: str) -> None:
    with pytest.raises(ContractError) as caught:
        read_catalogue(suite(tmp_path, GOOD.replace(old, new)))
    assert said in caught.value.line
    assert "test_x.py" in caught.value.line


def test_a_name_stands_once(tmp_path: Path) -> None:
    with pytest.raises(ContractError):
        read_catalogue(suite(tmp_path, GOOD + GOOD))


def test_what_must_be_judged_follows_from_the_estate() -> None:
    catalogue = read_catalogue()
    look = {one.id for one in expected(catalogue, load_estate("lab"), names(), deploying=frozenset())}
    deploy = {one.id for one in expected(catalogue, load_estate("lab"), names(), deploying=frozenset({"backend"}))}
    assert {"head-is-the-release[fleet-fleet-2]", "all-workers-are-up[fleet-2-voxcore@3]"} <= look
    assert "exactly-one-dialler-per-database[vox]" in look
    assert deploy - look == {
        "release-was-checked-out[backend-api-1]",
        "release-was-installed[backend-api-1]",
        "service-was-restarted[backend-api-1]",
        "service-became-healthy[backend-api-1]",
    }


def test_a_rule_of_a_role_is_judged_where_that_is() -> None:
    look = {one.id for one in expected(read_catalogue(), load_estate("lab"), names(), deploying=frozenset())}
    assert {one for one in look if one.startswith("livekit-is-healthy")} == {"livekit-is-healthy[sip-1]"}


def test_no_invariant_holds_by_going_home_early() -> None:
    """Where there is nothing to be judged, a rule is not judged: ``roles=`` and ``services=`` say so."""
    found = [
        f"{path.name}:{node.lineno}"
        for path in sorted(FOLDER.glob("test_*.py"))
        for rule in ast.parse(path.read_bytes()).body
        if isinstance(rule, ast.FunctionDef) and rule.name.startswith("test_")
        for node in ast.walk(rule)
        if isinstance(node, ast.Return) and node.value is None
    ]
    assert not found


def test_every_invariant_names_a_fault() -> None:
    without = [one.name for one in read_catalogue() if not one.faults and "contract" not in one.marks]
    assert not without


def test_the_page_of_invariants_is_current() -> None:
    page = Path(__file__).resolve().parents[2] / "docs" / "INVARIANTS.md"
    must_be_as_made(page, as_markdown(read_catalogue()))


def test_the_page_of_threats_is_current_and_each_kind_has_a_rule() -> None:
    page = Path(__file__).resolve().parents[2] / "docs" / "THREATS.md"
    must_be_as_made(page, as_page(read_catalogue()))
    assert {threat for one in read_catalogue() for threat in one.threats} == set(Threat) == set(KINDS)


def test_the_catalogue_names_each_invariant_with_reason_and_faults() -> None:
    text = as_text(read_catalogue())
    for one in read_catalogue():
        assert f"  {one.name}  [{one.severity}]" in text
        assert all(fault in " ".join(text.split()) for fault in one.faults)
