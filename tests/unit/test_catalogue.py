"""The catalogue: read from the source, so that what must be judged does not depend on what pytest collects."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.pages import must_be_as_made
from voxgate.contracts.catalogue import FOLDER, Check, find, plain_tests, read_catalogue
from voxgate.contracts.estates import load_estate
from voxgate.contracts.schemas import names
from voxgate.errors import ContractError
from voxgate.model.invariant import Guards, Invariant, Need, Per, Threat, expected
from voxgate.model.service import Role
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


TAKES = (
    "suites/test_x.py:3: this invariant cannot be read: @invariant takes literals; per= of {}; roles= of {}; needs= of {}; "
    "guards= of {}; threats= of {}: "
).format(*(", ".join(words) for words in (Per, Role, Need, Guards, Threat)))
NO_RULES = {
    "no reason": ('"""Because."""', "pass", "suites/test_x.py:3: an invariant needs a reason"),
    "a subject that is no word": ('per="unit"', "per=UNIT", TAKES),
    "a subject of no kind": ('per="unit"', 'per="machine"', f"{TAKES}'machine' is not a valid Per"),
    "no subject": ('per="unit", ', "", f"{TAKES}'per'"),
    "no role": ('per="unit"', 'per="unit", roles=("moon",)', f"{TAKES}'moon' is not a valid Role"),
    "no need": ('per="unit"', 'per="unit", needs=("moon",)', f"{TAKES}'moon' is not a valid Need"),
    "nothing that is guarded": ('per="unit"', 'per="unit", guards="moon"', f"{TAKES}'moon' is not a valid Guards"),
    "services that are none": ('services=("fleet",)', "services=1", f"{TAKES}'int' object is not iterable"),
    "words that nobody knows": (
        'per="unit"', 'per="unit", zzz=1, fault=()',
        "suites/test_x.py:3: this invariant cannot be read: unknown argument 'fault'",
    ),
    "no Python": ("(unit):", "(unit:", "suites/test_x.py: this suite cannot be read: "),
}  # fmt: skip


@pytest.mark.parametrize("what", NO_RULES)
def test_an_invariant_that_cannot_be_read_is_one_line(tmp_path: Path, what: str) -> None:
    old, new, said = NO_RULES[what]
    with pytest.raises(ContractError) as caught:
        read_catalogue(suite(tmp_path, GOOD.replace(old, new)))
    line = caught.value.line
    assert line == said or (said.endswith(": ") and line.startswith(said))  # the rest of it is Python's


def test_a_name_stands_once(tmp_path: Path) -> None:
    with pytest.raises(ContractError) as caught:
        read_catalogue(suite(tmp_path, GOOD + GOOD))
    assert caught.value.line == "suites/test_x.py:10: an invariant's name stands twice: all-is-well"


def test_what_a_rule_says_of_itself_is_read_whole(tmp_path: Path) -> None:
    """And what it does not say is what most rules are; a function below another decorator is none."""
    words = 'per="host_name", roles=("sip",), needs=("https",), severity="minor", guards="people", threats=("limits",)'
    text = f'import x\n\n@fixture\n@x.y(1)\n@other(1)\n@invariant({words})\ndef test_a_b():\n    """One,\n    two."""\n' + GOOD
    (tmp_path / "test_deploy.py").write_text(text, "utf-8")
    one, two = read_catalogue(tmp_path)
    assert one == Invariant(
        "a-b",
        "test_deploy.py",
        "One,\ntwo.",
        Per.HOST,
        (),
        ("deploy",),
        (),
        "minor",
        deploy=True,
        roles=frozenset({Role.SIP}),
        needs=frozenset({Need.HTTPS}),
        guards=Guards("people"),
        threats=(Threat("limits"),),
        names_all=False,
    )
    assert (two.severity, two.guards, two.threats, two.deploy, two.roles) == ("critical", None, (), True, frozenset())
    assert find((one, two), "test_a_b", "test_deploy.py") is one
    assert find((one, two), "test_all_is_well", "test_deploy.py") is two
    assert find((one, two), "test_a_b", "test_x.py") is None
    assert find((one, two), "test_c", "test_deploy.py") is None


OWN = """
@on(role="fleet", host=("sip-1", "data"))
def test_a(): ...

class TestSite:
    async def test_b(self): ...
    class TestInner:
        @on(host="data")
        @pytest.mark.slow
        def test_c(self): ...
    def helper(self): ...

class Site:
    def test_d(self): ...
"""


def test_a_team_s_own_checks_are_read_with_the_hosts_that_they_are_for(tmp_path: Path) -> None:
    checks = plain_tests(suite(tmp_path, OWN + GOOD))
    assert checks == (
        Check("test_x.py::test_a", frozenset({Role.FLEET}), frozenset({"sip-1", "data"})),
        Check("test_x.py::TestSite::test_b"),
        Check("test_x.py::TestSite::TestInner::test_c", frozenset(), frozenset({"data"})),
        Check("test_x.py::test_ours"),
    )
    hosts = load_estate("lab").hosts
    on = [[host.name for host in hosts if check.is_on(host)] for check in checks]
    every = [host.name for host in hosts]
    assert on == [[one for one in every if one in {"fleet-1", "fleet-2", "sip-1", "data"}], every, ["data"], every]


NO_CHECKS = {
    "role=ROLE": ("this check cannot be read: @on takes literals: what must be judged is read from the source", ""),
    "": ('this check cannot be read: @on takes role= and host=, as @on(role="fleet")', ""),
    '"fleet"': ('this check cannot be read: @on takes role= and host=, as @on(role="fleet")', ""),
    '"fleet", host="x"': ('this check cannot be read: @on takes role= and host=, as @on(role="fleet")', ""),
    'role="fleet", unit="x"': ('this check cannot be read: @on takes role= and host=, as @on(role="fleet")', ""),
    'role="flet"': ("there is no role 'flet'", "did you mean fleet?"),
    'role=("zzz", "fleet")': ("there is no role 'zzz'", f"roles: {', '.join(Role)}"),
}


@pytest.mark.parametrize("words", NO_CHECKS)
def test_a_check_for_hosts_that_cannot_be_meant_is_one_line(tmp_path: Path, words: str) -> None:
    said, hint = NO_CHECKS[words]
    with pytest.raises(ContractError) as caught:
        plain_tests(suite(tmp_path, f"\n@on({words})\ndef test_a(): ...\n"))
    where = "suites/test_x.py:3, @on" if hint else "suites/test_x.py:3"
    assert (caught.value.line, caught.value.hint) == (f"{where}: {said}", hint)


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
