"""The faults: each names what it turns red, and no invariant is without one. That they do so is proved by `make faults`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from lab.proving import following, telling
from lab.proving.fault import all_faults, ids_of, read
from lab.proving.following import follow, shapes_of
from lab.proving.healing import unlike
from lab.proving.matrix import DOCS
from lab.proving.page import page
from lab.proving.picture import by_rule, picture
from lab.proving.proof import Proof
from lab.proving.script import rule_of
from lab.proving.telling import badly_told
from tests.pages import must_be_as_made
from voxgate.contracts.catalogue import read_catalogue
from voxgate.errors import VoxgateError
from voxgate.model.invariant import Invariant
from voxgate.model.verdict import Judgement, Verdict

TWO = {"test_dialler.py", "test_release.py", "test_environment.py", "test_console.py"}
RULES = tuple(one for one in read_catalogue() if one.suite != "test_contracts.py")  # the examples prove the contracts
DECLARED = {
    fault.name: {rule_of(one) for one, verdict in fault.declared(ids_of(fault)).items() if verdict != "waived"}
    for fault in all_faults()
}

GRAVEST = (
    # Two diallers over-dial people.
    "dialler-second-unit", "dialler-by-hand", "dialler-two-in-one-unit", "dialler-disguised", "dialler-from-outside",
    "dialler-in-a-container", "dialler-tick-frozen",
    # Nobody is served.
    "unit-stopped", "unit-crash-looping", "worker-stopped", "old-process-holds-the-port", "backend-dependency-down",
    "backend-health-lies", "livekit-stopped", "livekit-server-stopped", "haproxy-not-there", "disk-full",
    # Nobody sees.
    "seeing-host-down", "seeing-forge-down", "seeing-probe-missing", "seeing-sudo-revoked", "evidence-edited-on-its-way",
    # Something else runs, or strangers read it.
    "release-head-on-a-branch-commit", "venv-other-version", "console-env-exposed", "store-in-the-open", "sudo-all",
)  # fmt: skip
"""What costs most when it is understood late."""

GOOD = """\
# Something breaks.
# host: api-1
# violated: unit-is-active[api-1-voxbridge]
#   runs-as-its-user[*]
# follow: mends
# bake: 4
inject() { :; }
landed() { :; }
mend() { :; }
"""


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_every_invariant_has_its_faults(rule: Invariant) -> None:
    """At least one makes it fail, or blind; two where the stakes are highest."""
    found = sorted(name for name, rules in DECLARED.items() if rule.name in rules)
    assert len(found) >= (2 if rule.suite in TWO else 1), found


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_an_invariant_names_only_faults_that_break_it(rule: Invariant) -> None:
    """What the decorator says is what the fault's header says."""
    assert [name for name in rule.faults if rule.name not in DECLARED.get(name, ())] == []


def test_the_gravest_name_their_cause() -> None:
    """`make faults` reads the first three lines of what the terminal says of them: they must have this."""
    assert len(set(GRAVEST)) == len(GRAVEST) >= 20
    by_name = {fault.name: fault for fault in all_faults()}
    assert [name for name in GRAVEST if not by_name[name].cause] == []


def test_the_page_is_current() -> None:
    """docs/FAULTS.md is made from the headers."""
    must_be_as_made(DOCS / "FAULTS.md", page())


def written(folder: Path, text: str) -> Path:
    path = folder / "one.sh"
    path.write_text(text, "utf-8")
    return path


def test_a_header_is_read(tmp_path: Path) -> None:
    fault = read(written(tmp_path, GOOD))
    assert (fault.about, fault.host, fault.bake) == ("Something breaks.", "api-1", 4.0)
    assert fault.declared(["unit-is-active[api-1-voxbridge]", "runs-as-its-user[a]", "runs-as-its-user[b]", "other"]) == {
        "runs-as-its-user[a]": "violated",
        "runs-as-its-user[b]": "violated",
        "unit-is-active[api-1-voxbridge]": "violated",
    }


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("api-1\n", "api-9\n", "no host"),
        ("# Something breaks.\n", "", "does not say what it does"),
        ("# bake:", "# cake:", "unknown or double key"),
        ("# bake: 4", "# host: api-1", "unknown or double key"),
        ("landed()", "landing()", "has no landed()"),
    ],
)
def test_a_bad_header_is_one_line(tmp_path: Path, old: str, new: str, said: str) -> None:
    with pytest.raises(VoxgateError, match=said):
        read(written(tmp_path, GOOD.replace(old, new)))


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("# violated: no-such-rule", "no invariant is called no-such-rule"),
        ("# violated:", "names no invariant"),
        ("# violated: a\n# blind: a", "violated and blind"),
        ("# violated: a\n# waived: a", "violated and waived"),
    ],
)
def test_a_fault_that_names_nothing_fails(tmp_path: Path, line: str, said: str) -> None:
    text = f"# About.\n# host: api-1\n# follow: mends\n{line}\ninject() {{ :; }}\nlanded() {{ :; }}\nmend() {{ :; }}\n"
    with pytest.raises(VoxgateError, match=said):
        read(written(tmp_path, text)).declared(["a", "b"])


def test_what_is_waived_is_declared_and_what_must_be_said_of_it(tmp_path: Path) -> None:
    """And neither proves that a rule can fail."""
    text = GOOD.replace("# bake: 4", "# waived: boot[api-1]\n# noted: the waiver of * ends on *\n# noted: the other [one]")
    fault = read(written(tmp_path, text))
    ids = ["unit-is-active[api-1-voxbridge]", "runs-as-its-user[a]", "boot[api-1]"]
    assert fault.declared(ids)["boot[api-1]"] == "waived"
    assert fault.unsaid(["the waiver of boot ends on Monday", "the other [one]"]) == []
    assert fault.unsaid(["the waiver of boot is new", "x the other [one]"]) == ["the waiver of * ends on *", "the other [one]"]


def test_a_fault_says_whether_its_hints_mend_it(tmp_path: Path) -> None:
    said = '# follow: mends\n# fill: KEY=vox:a/1\n# fill: YOU=root\n# edit: sed -i 1d "$file"'
    fault = read(written(tmp_path, GOOD.replace("# follow: mends", said)))
    assert (fault.follow, dict(fault.fill)) == ("mends", {"KEY": "vox:a/1", "YOU": "root"})
    assert fault.edit == 'sed -i 1d "$file"'
    other = read(written(tmp_path, GOOD.replace("mends", "as unit-stopped")))
    assert (other.follow, other.alike, other.by_hand) == ("", "unit-stopped", "")
    alone = read(written(tmp_path, GOOD.replace("mends", "by hand, a person\n#   must know")))
    assert (alone.follow, alone.alike, alone.by_hand) == ("", "", "a person must know")
    for wrong in ("# follow: perhaps", "# follow: by hand", "", "# fill: KEY=x", "# follow: as unit-stopped\n# edit: true"):
        with pytest.raises(VoxgateError, match="follow is not understood"):
            read(written(tmp_path, GOOD.replace("# follow: mends", wrong)))


def finding(advice: str, found: str = "api-1: voxbridge.service is inactive/dead", rule: str = "unit-is-active") -> Judgement:
    identity = f"{rule}[api-1-voxbridge]"
    return Judgement(identity, rule, "unit is active", "", Verdict.VIOLATED, "backend", "api-1", found, advice)


@pytest.mark.parametrize(
    ("advice", "said"),
    [
        ("", "nobody says what to do"),
        ("`systemctl start 'x`", "no shell reads this hint"),
        ("`journalctl --vacuum-size=SIZE`", "does not say what SIZE is"),
        ("`systemctl start x`", ""),
    ],
)
def test_what_a_person_reads_of_a_fault_is_judged(tmp_path: Path, advice: str, said: str) -> None:
    fault = read(written(tmp_path, GOOD.replace("# bake: 4", "# cause: voxbridge.service is inactive/dead")))
    found = list(badly_told(fault, [finding(advice)]))
    assert len(found) == (1 if said else 0)
    assert said in "".join(found)
    assert any("the first lines do not say" in one for one in badly_told(fault, [finding("`true`", "api-1: is gone")]))


def test_more_than_a_screen_is_too_much(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fault = read(written(tmp_path, GOOD))
    many = [finding("`true`", f"api-1: {word * 40} is wrong", f"rule-{word}") for word in "abcdefgh"]
    assert list(badly_told(fault, many)) == []
    monkeypatch.setattr(telling, "SCREEN", 20)
    assert "lines, more than 12" in "".join(badly_told(fault, many))


@pytest.mark.parametrize(
    ("advice", "said"),
    [
        ("look at it", "its hint has no command"),
        ("`redis-cli del KEY OTHER`", "asks for OTHER"),
        ("on the gate: `/nowhere/program`", "is no command there"),
    ],
)
def test_a_hint_that_cannot_be_followed_is_told(advice: str, said: str) -> None:
    _, trouble = follow([finding(advice)], {"KEY": "x"})
    assert said in trouble


def test_a_hint_that_does_not_end_is_told_and_ended(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It held up all faults after it: on a host whose systemd hangs, systemctl waits for ever."""
    monkeypatch.setattr(following, "ON_THE_GATE", 0.2)
    _, trouble = follow([finding(f"on the gate: `echo $$ >{tmp_path}/pid; sleep 600; :`")], {})
    assert trouble.endswith("no end after 0.2 s")
    assert trouble.startswith("its hint does not end: echo")
    assert not (Path("/proc") / (tmp_path / "pid").read_text().strip()).exists()


def test_a_hint_is_followed_as_it_is_written(tmp_path: Path) -> None:
    """Each command once, in order, with what a person knows; what is for another day is left."""
    note = tmp_path / "note"
    stays = f"if it stays, `echo c >>{note}`; if it stays, on the gate: `echo d >>{note}`"
    hint = f"on the gate: `echo KEY >>{note}`, then on the gate: `echo b >>{note}`; {stays}"
    typed, trouble = follow([finding(hint), finding(hint)], {"KEY": "a"})
    assert (trouble, [one.where for one in typed], note.read_text()) == ("", ["", ""], "a\nb\n")


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("`systemctl restart voxbridge.service`", "on sip-1: `systemctl restart voxdialler.service voxcore@1.service`", True),
        ("`make gate ESTATE=lab SERVICE=fleet TAG=a-1`", "`make gate ESTATE=x SERVICE=console TAG='b c'`", True),
        ("`make gate ESTATE=lab SERVICE=fleet`", "`make gate ESTATE=lab SERVICE=fleet TAG=x`", False),
        ("`sudo -u deploy rm -rf /opt/a/.venv`", "`sudo -u deploy rm -- /opt/a/x`", False),
        ("`kill 12`", "`kill 12 34`, and look", True),
        ("`kill 12`", "`kill 12`; `systemctl restart x.service`", False),
        ("`kill 12`", "look for it", False),
    ],
)
def test_hints_of_one_kind_have_the_same_commands(tmp_path: Path, one: str, other: str, same: bool) -> None:  # noqa: FBT001
    """Whatever host, unit or path they are about."""
    text = GOOD.replace("mends", "as other")
    fault = read(written(tmp_path, text))
    first = Proof(replace(fault, name="other", alike=""), {}, hinted=shapes_of([finding(one)]))
    second = Proof(fault, {}, hinted=shapes_of([finding(other)]))
    assert [proof for proof, _ in unlike([second, first])] == ([] if same else [second])
    assert list(unlike([second])) == []


def test_what_is_left_out_again(tmp_path: Path) -> None:
    text = GOOD.replace("unit-is-active[api-1-voxbridge]\n#   runs-as-its-user[*]", "*[x] !a[x]")
    assert set(read(written(tmp_path, text)).declared(["a[x]", "b[x]", "b[y]"])) == {"b[x]"}


def test_a_difference_shows_in_the_picture() -> None:
    row = {
        "name": "one",
        "about": "About <it>.",
        "host": "api-1",
        "proved": False,
        "trouble": "",
        "declared": {"a[x]": "violated", "b[x]": "blind"},
        "seen": {"a[x]": "violated", "b[x]": "violated"},
        "found": {},
        "seconds": {},
    }
    assert {name: state for name, (state, _) in by_rule(row).items()} == {"a": "violated", "b": "differs"}
    document = {"faults": [row], "invariants": ["a", "b", "c"], "seconds": 60.0, "runs": 1, "started": "2026-06-22T08:00:00Z"}
    drawn = picture(document)
    assert "≠" in drawn
    assert "About &lt;it&gt;." in drawn
