"""Promotion: what an estate lets in, from where, when and by whose word; and that each refusal and each override is kept."""

from __future__ import annotations

import io
import re
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.forges import Forge
from tests.unit.test_history import NEW, OLD, Here, told
from tests.unit.test_on_host import Host
from voxgate.cli.approve import approve, write
from voxgate.contracts.approvals import FOLDER, Approval, notes_in, read_approval
from voxgate.contracts.envelope import Envelope, canonical
from voxgate.contracts.estates import load_estate
from voxgate.contracts.statement import NAMESPACE, statement
from voxgate.deploy.planning.promoting import Asked, Bundle, Rules
from voxgate.errors import EstateError, Refused
from voxgate.model.promotion import Freeze, Promotion, Window
from voxgate.model.release import Release
from voxgate.model.service import Service
from voxgate.model.verdict import Ran, RunOutcome, RunVerdict, ServiceOutcome
from voxgate.plugin.promoting import rules_of
from voxgate.plugin.session import Session
from voxgate.redaction.cutting import Redactor
from voxgate.report.terminal.stream import CutStream
from voxgate.transport.ssh.keygen import sign

pytest_plugins = ["pytester"]

ROOT = Path(__file__).resolve().parents[2]
ESTATE = load_estate("lab")
BACKEND = ESTATE.service("backend")
NOW = datetime(2026, 12, 2, 10, 0, tzinfo=UTC)  # a Wednesday
WORKDAYS = Window(frozenset(range(4)), 9 * 60, 16 * 60)
BERLIN = Promotion(
    zone="Europe/Berlin", windows=(WORKDAYS,), freezes=(Freeze(date(2026, 12, 20), date(2027, 1, 4), "the end of the year"),)
)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("now", "why", "opens"),
    [
        ("2026-12-02T09:00+01:00", "", "Wed 2026-12-02 09:00 CET"),
        ("2026-12-02T15:59:59+01:00", "", "Wed 2026-12-02 15:59 CET"),
        ("2026-12-02T16:00+01:00", "no window is open on wed at 16:00 Europe/Berlin", "Thu 2026-12-03 09:00 CET"),
        ("2026-12-03T16:00+01:00", "no window is open on thu at 16:00 Europe/Berlin", "Mon 2026-12-07 09:00 CET"),
        ("2026-12-02T07:59+00:00", "no window is open on wed at 08:59 Europe/Berlin", "Wed 2026-12-02 09:00 CET"),
        ("2026-07-01T07:30+00:00", "", "Wed 2026-07-01 09:30 CEST"),
        ("2026-12-24T10:00+01:00", "frozen until 2027-01-04, the end of the year", "Tue 2027-01-05 09:00 CET"),
        ("2026-12-19T23:30+00:00", "frozen until 2027-01-04, the end of the year", "Tue 2027-01-05 09:00 CET"),
    ],
)
def test_windows_are_of_the_zone_and_freezes_come_first(now: str, why: str, opens: str) -> None:
    assert BERLIN.shut(at(now)) == why
    moment = BERLIN.opens(at(now))
    assert moment is not None
    assert f"{moment:%a %Y-%m-%d %H:%M %Z}" == opens


def test_what_never_opens_is_said() -> None:
    shut = replace(BERLIN, freezes=(Freeze(date(2026, 1, 1), date(2030, 1, 1), "sold"),))
    assert shut.opens(NOW) is None
    error = rules(shut).refusal(ESTATE, [(BACKEND, NEW)], NOW)
    assert error is not None
    assert "it opens at no time within a year" in error.hint


def test_without_windows_only_freezes_shut_it() -> None:
    frozen = replace(BERLIN, windows=())
    assert frozen.shut(at("2026-12-05T03:00+01:00")) == ""
    assert frozen.opens(at("2026-12-24T10:00+01:00")) == at("2027-01-05T00:00+01:00")


@settings(max_examples=200)
@given(
    now=st.datetimes(min_value=datetime(2026, 1, 1), max_value=datetime(2027, 12, 31)),  # noqa: DTZ001 - the zone is UTC's, below
    days=st.sets(st.integers(0, 6), min_size=1),
    hours=st.lists(st.integers(0, 24 * 60), min_size=2, max_size=2, unique=True),
    zone=st.sampled_from(
        ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Pacific/Auckland", "Australia/Lord_Howe"]
    ),
    frozen=st.integers(-3, 10),
)
def test_the_next_open_time_is_open_and_none_before_it_is(
    now: datetime, days: set[int], hours: list[int], zone: str, frozen: int
) -> None:
    moment = now.replace(tzinfo=UTC)
    begins, ends = sorted(hours)
    freeze = Freeze(now.date() + timedelta(days=frozen), now.date() + timedelta(days=frozen + 2), "x")
    rule = Promotion(zone=zone, windows=(Window(frozenset(days), begins, ends),), freezes=(freeze,))
    opens = rule.opens(moment)
    if opens is None:  # a window that lies in the hour that spring leaves out, and nothing else
        assert ends - begins <= 60
        return
    assert opens >= moment
    assert rule.shut(opens) == ""
    assert (rule.shut(moment) == "") == (opens == moment)
    step = (opens - moment) / 50
    assert all(rule.shut(moment + number * step) for number in range(50) if opens > moment)


def loaded(tmp_path: Path, words: str) -> Promotion:
    """What an estate's file with these words comes to."""
    path = tmp_path / "lab.toml"
    path.write_text((ROOT / "hosts/lab.toml").read_text("utf-8") + f"\n[promotion]\n{words}\n", "utf-8")
    found = load_estate(str(path)).promotion
    assert found is not None
    return found


def test_a_rule_is_read_from_the_estate(tmp_path: Path) -> None:
    words = """
from = "staging"
days = 7
signers = "signers"
zone = "Europe/Berlin"
windows = [{ days = ["mon", "tue", "wed", "thu"], from = "09:00", until = "16:00" }]
freezes = [{ from = 2026-12-20, until = 2027-01-04, reason = "the end of the year" }]
approvals = 1
approvers = ["anna@example.com"]
inputs = ["ben"]
"""
    signers = str(tmp_path / "signers")
    more = {"source": "staging", "age": 7, "approvals": 1, "approvers": ("anna@example.com",), "inputs": ("ben",)}
    assert loaded(tmp_path, words) == replace(BERLIN, signers=signers, **more)  # type: ignore[arg-type]
    assert ESTATE.promotion is None


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ('zone = "Europe/Nowhere"\napprovals = 1\ninputs = ["a"]', "there is no zone 'Europe/Nowhere'"),
        ('from = "lab"\nsigners = "x"', "is this estate itself"),
        ('from = "staging"', "without signers nobody knows whose word counts"),
        ('approvals = 2\ninputs = ["a"]', "approvals = 2, and 1 may approve"),
        ('approvals = 2\napprovers = ["a"]\nsigners = "x"\ninputs = ["a"]', "approvals = 2, and 1 may approve"),
        ('inputs = ["a"]', "approvals is not said"),
        ('windows = [{ from = "16:00", until = "09:00" }]', "until 09:00 is not after from 16:00"),
        ('windows = [{ from = "9:00", until = "10:00" }]', "cannot be meant"),
        ('windows = [{ days = ["monday"], from = "09:00", until = "10:00" }]', "is none of: mon"),
        ('freezes = [{ from = 2026-12-20, until = 2026-12-01, reason = "x" }]', "is before from"),
        ("freezes = [{ from = 2026-12-20, until = 2026-12-21 }]", "missing key 'reason'"),
        ('freezes = [{ from = "2026-13-20", until = "2026-13-21", reason = "x" }]', "is no day"),
        ("when = 1", "unknown key 'when'"),
    ],
)
def test_what_cannot_be_meant_is_one_line(tmp_path: Path, words: str, said: str) -> None:
    with pytest.raises(EstateError, match=re.escape(said)):
        loaded(tmp_path, words)


@dataclass
class Keys:
    """SSH keys of a folder, and a file of signers that knows some of them."""

    folder: Path
    made: dict[str, Path] = field(default_factory=dict)

    def key(self, name: str) -> str:
        """One, made once."""
        path = self.folder / name
        if name not in self.made:
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(path)], check=True)
            self.made[name] = path
        return str(path)

    def knows(self, *names: str) -> str:
        """The file."""
        path = self.folder / "signers"
        lines = [f"{name} {Path(self.key(name)).with_suffix('.pub').read_text()}" for name in names]
        path.write_text("".join(lines))
        return str(path)


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    return Keys(tmp_path)


def rules(promotion: Promotion, *bundles: Bundle, notes: Path = Path("/nowhere"), **more: object) -> Rules:
    def found(_source: str, _service: Service, _release: Release) -> Iterator[Bundle]:
        yield from bundles

    return Rules(promotion, found, notes, **more)  # type: ignore[arg-type]


def run_of(
    commit: str = NEW.commit, *, verdict: RunVerdict = RunVerdict.DONE, ended: datetime = NOW, estate: str = "staging"
) -> bytes:
    """The attestation of a deploy of the backend."""
    ran = Ran(str(NEW), commit)
    service = ServiceOutcome("backend", ("api-1",), None, ran, ran)
    started = ended.timestamp()
    outcome = RunOutcome("r1", estate, verdict, 0, started, 0.0, deploy=True, partial=False, summary="", services=(service,))
    return Envelope(canonical(statement(outcome, {"verdict.json": "0" * 64}, []))).encode()


def signed(body: bytes, key: str, namespace: str = NAMESPACE) -> Bundle:
    return Bundle("a run", body, sign(body, key, namespace))


ASKED: Asked = [(BACKEND, NEW)]


def refused(made: Rules, asked: Asked = ASKED, now: datetime = NOW) -> str:
    """Why it is not let in; empty where it is."""
    error = made.refusal(ESTATE, asked, now)
    return error.why if error else ""


def test_only_what_was_done_elsewhere_is_let_in(keys: Keys) -> None:
    rule, gate = Promotion(source="staging", age=7, signers=keys.knows("gate")), keys.key("gate")
    assert refused(rules(rule, signed(run_of(), gate))) == ""
    assert f"no attested run says that {NEW.commit[:12]} was done on staging" in refused(rules(rule))
    for bundle, why in (
        (signed(run_of(OLD.commit), gate), "no attested run says"),
        (signed(run_of(estate="lab"), gate), "no attested run says"),
        (signed(run_of(verdict=RunVerdict.ROLLED_BACK), gate), "was rolled back"),
        (signed(run_of(ended=NOW - timedelta(days=7, seconds=1)), gate), "7 days ago, at most 7 may be"),
        (signed(run_of(ended=NOW + timedelta(hours=1)), gate), "ends in the future"),
        (signed(run_of(), keys.key("stranger")), "nobody who is known signed it"),
        (signed(run_of(), gate, "voxgate-approval"), "the signature is not good"),
        (Bundle("a run", run_of(OLD.commit), sign(run_of(), gate, NAMESPACE)), "the signature is not good"),
        (Bundle("a run", b"x", sign(b"x", gate, NAMESPACE)), "not strict JSON"),
        (Bundle("a run", run_of(), b"x"), "no SSH signature"),
    ):
        assert why in refused(rules(rule, bundle)), why
        assert refused(rules(rule, bundle, signed(run_of(), gate))) == "", "one that is good is enough"


def test_each_service_is_asked_for(keys: Keys) -> None:
    rule = Promotion(source="staging", signers=keys.knows("gate"))
    console = ESTATE.service("console")
    other = Release("console", "c" * 40, "vox-frontend-2026.06.24-1")
    why = refused(rules(rule, signed(run_of(), keys.key("gate"))), [*ASKED, (console, other)])
    assert why == f"console {other}: no attested run says that {'c' * 12} was done on staging"


@pytest.mark.parametrize("until", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "soon"])
def test_a_note_until_no_moment_is_none(keys: Keys, tmp_path: Path, until: str) -> None:
    notes = tmp_path / FOLDER
    notes.mkdir()
    (notes / "x.json").write_bytes(Approval(ESTATE.name, BACKEND.name, str(NEW.tag), NEW.commit, "why", until).encode())
    (notes / "x.json.sig").write_bytes(b"x")
    rule = Promotion(approvals=1, approvers=("anna",), signers=keys.knows("anna"))
    assert refused(rules(rule, notes=notes), now=datetime.now(UTC)) == f"backend {NEW}: approved by 0 of 1"


def test_a_signed_note_approves_one_commit_on_one_estate_for_some_days(keys: Keys, tmp_path: Path) -> None:
    notes = tmp_path / FOLDER
    rule = Promotion(approvals=2, approvers=("anna", "ben"), inputs=("cleo",), signers=keys.knows("anna", "ben", "dora"))
    now = datetime.now(UTC)
    made = rules(rule, notes=notes)

    def note(name: str, release: Release = NEW, days: int = 3) -> Path:
        return write(ESTATE, BACKEND, release, keys.key(name), "looked at it", days, notes)

    assert refused(made, now=now) == f"backend {NEW}: approved by 0 of 2"
    path = note("anna")
    assert refused(made, now=now) == f"backend {NEW}: approved by 1 of 2 (anna)"
    note("anna", days=4)
    note("dora")
    note("ben", OLD)
    assert refused(made, now=now) == f"backend {NEW}: approved by 1 of 2 (anna)", "twice the same, a stranger, another commit"
    assert refused(replace(made, said_yes="cleo"), now=now) == ""
    assert refused(replace(made, said_yes="eve"), now=now) != ""
    note("ben")
    assert refused(made, now=now) == ""
    assert refused(made, now=now + timedelta(days=5)) == f"backend {NEW}: approved by 0 of 2"
    body = path.read_bytes()
    path.write_bytes(body.replace(b"looked", b"Looked"))
    for other in notes.glob("*.json"):
        if other != path and b'"reason"' in other.read_bytes() and NEW.commit.encode() in other.read_bytes():
            other.with_name(other.name + ".sig").write_bytes(b"x")
    assert refused(made, now=now) == f"backend {NEW}: approved by 0 of 2"


def test_one_person_is_no_two_by_a_note_and_a_yes(keys: Keys, tmp_path: Path) -> None:
    notes = tmp_path / FOLDER
    people = ("anna", "ben")
    made = rules(Promotion(approvals=2, approvers=people, inputs=people, signers=keys.knows(*people)), notes=notes)
    write(ESTATE, BACKEND, NEW, keys.key("anna"), "looked at it", 3, notes)
    now = datetime.now(UTC)
    assert refused(replace(made, said_yes="anna"), now=now) == f"backend {NEW}: approved by 1 of 2 (anna)"
    assert refused(replace(made, said_yes="ben"), now=now) == ""


def test_the_command_asks_the_remote_for_the_commit(forge: Callable[[str], Forge], keys: Keys, tmp_path: Path) -> None:
    there = forge("backend")
    (release,) = there.releases
    words, notes, said = [f"backend={release.tag}"], tmp_path / FOLDER, io.StringIO()
    assert approve(there.estate, words, keys.key("anna"), "looked at it", 3, notes, CutStream(said, Redactor())) == 0
    assert f"backend {release.tag} ({release.commit[:12]}) may go on lab" in said.getvalue()
    ((_, body, _),) = notes_in(notes)
    note = read_approval(body)
    assert (note.estate, note.service, note.tag, note.commit) == ("lab", "backend", release.tag, release.commit)
    out = CutStream(said, Redactor())
    for wrong, reason, days in (("backend=vox-backend-2026.06.22-9", "x", 3), (words[0], " ", 3), (words[0], "x", 99)):
        with pytest.raises(Refused):
            approve(there.estate, [wrong], keys.key("anna"), reason, days, notes, out)


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    started = Host(tmp_path)
    started.claim()
    yield started
    started.end()


SHUT = Promotion(freezes=(Freeze(date(2020, 1, 1), date(2099, 1, 1), "sold"),))


def test_a_refusal_stands_in_the_ledger(host: Host) -> None:
    with pytest.raises(Refused, match="lets this deploy not in: frozen until 2099-01-01, sold"):
        rules(SHUT).judge(ESTATE, ASKED, Here(host, "r1"))
    (line,) = host.ledger()
    assert (line["event"], line["commit"], line["how"]) == ("refused", NEW.commit, "deploy")
    assert "frozen until 2099-01-01, sold" in line["reason"]
    (entry,) = told(host)
    assert (entry.outcome, entry.release) == ("refused", str(NEW))
    assert "sold" in entry.reason


def test_an_override_stands_in_the_ledger_with_its_reason(host: Host) -> None:
    said = rules(SHUT, override=True, reason="calls drop").judge(ESTATE, ASKED, Here(host, "r1"))
    assert said == "promotion overridden (calls drop): frozen until 2099-01-01, sold"
    (line,) = host.ledger()
    assert (line["event"], line["reason"]) == ("overridden", said)
    assert said in told(host)[0].reason


def test_what_is_let_in_leaves_no_line(host: Host) -> None:
    assert rules(Promotion()).judge(ESTATE, ASKED, Here(host, "r1")) == ""
    assert rules(SHUT).judge(ESTATE, [], Here(host, "r1")) == "", "a rollback asks for nothing that has to be let in"
    assert not (host.root / "backend" / "ledger.jsonl").exists()


def asked(pytester: pytest.Pytester, *words: str, estate: Promotion | None = None, **environ: str) -> Rules | None:
    """The rules that a command line and an estate come to."""
    config = pytester.parseconfig("-p", "no:hypothesispytest", "-p", "no:anyio", "--estate=lab", *words)
    lab = replace(ESTATE, promotion=estate)
    return rules_of(config, Session(lab, None, root=ROOT), lab, environ)


def test_the_command_line_asks_for_the_same(pytester: pytest.Pytester) -> None:
    assert asked(pytester, "--deploy=backend") is None
    made = asked(pytester, "--deploy=backend", "--require-attested=staging=7", "--signers=x")
    assert made is not None
    assert (made.promotion.source, made.promotion.age, Path(made.promotion.signers).name) == ("staging", 7, "x")
    made = asked(pytester, "--deploy=backend", "--require-attested=staging", estate=replace(BERLIN, signers="/s"))
    assert made is not None
    assert made.promotion == replace(BERLIN, source="staging", signers="/s")
    made = asked(pytester, "--deploy=backend", estate=BERLIN, VOXGATE_APPROVED_BY="anna")
    assert (made and made.said_yes) == "", "only a build of Jenkins says so"
    made = asked(pytester, "--deploy=backend", estate=BERLIN, VOXGATE_APPROVED_BY="anna", BUILD_URL="https://ci/1")
    assert (made and made.said_yes) == "anna"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--require-attested=staging"], "without signers nobody knows"),
        (["--require-attested=lab"], "no other estate"),
        (["--require-attested=staging=0"], "no number of days"),
        (["--require-attested=staging=x"], "no number of days"),
        (["--override-promotion", "--reason=x"], "there is nothing to override"),
        (["--override-promotion", "--require-attested=staging", "--signers=x"], "without a reason"),
        (["--override-promotion", "--require-attested=staging", "--signers=x", f"--reason={'x' * 600}"], "too long"),
    ],
)
def test_what_is_typed_wrong_is_refused(pytester: pytest.Pytester, words: list[str], said: str) -> None:
    with pytest.raises(Refused, match=said):
        asked(pytester, "--deploy=backend", *words)


def test_attestations_are_found_where_runs_and_attached_files_are(pytester: pytest.Pytester, keys: Keys) -> None:
    gate, folder = keys.key("gate"), keys.folder / "elsewhere"
    body = run_of(ended=datetime.now(UTC))
    for name in ("2026-12-02T10-00-00Z-staging-3fa2/attestation.json", f"vox-backend-{NEW.commit[:12]}-staging.attestation.json"):
        path = folder / name.partition("/")[0] if "/" not in name else folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
        path.with_name(f"{path.name}.sig").write_bytes(sign(body, gate, NAMESPACE))
        words = ("--deploy=backend", "--require-attested=staging", f"--signers={keys.knows('gate')}", f"--attested={folder}")
        made = asked(pytester, *words)
        assert made is not None
        assert refused(made, now=datetime.now(UTC)) == ""
        path.unlink()
        assert "no attested run" in refused(made, now=datetime.now(UTC))
