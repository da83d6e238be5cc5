"""The webhook: what is told of which run, to a real server by TLS, and that its bad days are a line."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from tests.forge import Forge, serving
from tests.unit.transport.test_tls import Authority
from voxgate.deploy.gate import Gate
from voxgate.deploy.run_context import Options
from voxgate.model.estate import Estate
from voxgate.model.verdict import RunOutcome, RunVerdict, Verdict
from voxgate.model.waiver import Waiver
from voxgate.plugin.collector import Collector
from voxgate.plugin.outcome import Outcomes
from voxgate.plugin.run import Run
from voxgate.plugin.screen import Screen
from voxgate.plugin.session import Session
from voxgate.redaction.cutting import Redactor
from voxgate.report import webhook
from voxgate.report.folder import ReportFolder
from voxgate.report.terminal.closing import console_for
from voxgate.report.terminal.progress import Progress
from voxgate.report.verdict import verdict_file
from voxgate.report.webhook import event_of, tell

DAY = date(2026, 11, 22)
PATH = "/services/plain/words"
TAKEN: tuple[int, dict[str, str], bytes, float] = (200, {}, b"ok", 0.0)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def chat(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> Iterator[Forge]:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.ca))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with serving(authority.context("127.0.0.1")) as server:
        yield server


def told(outcome: RunOutcome, address: str, *, mended: bool = False, day: date = DAY, deadline: float = 30.0) -> str:
    """What is said on the gate's side, of an outcome cut as every sink gets it."""
    environ = {"VOXGATE_WEBHOOK": address, "BUILD_URL": "https://ci.example/7/"}
    redactor = Redactor.of(environ)
    return tell(verdict_file.cut(outcome, redactor), redactor, mended=mended, day=day, environ=environ, deadline=deadline)


def ended(outcome: RunOutcome, until: date) -> RunOutcome:
    """A look with something red that was accepted until a day."""
    waiver = Waiver("head-is-the-release", "", "x", "the vendor mends it", "ops@example.com", until)
    first = replace(outcome.judgements[0], verdict=Verdict.VIOLATED, found="x", waivers=(waiver,))
    return replace(outcome, verdict=RunVerdict.VIOLATED, exit_status=1, judgements=(first, *outcome.judgements[1:]))


TO_DO = "put DEEPGRAM_API_KEY into /opt/vox-agents/.env on fleet-2, then sudo systemctl restart voxcore@2"
"""What mends the setting that the start failed for: not what would only show why it did."""


def test_a_deploy_that_went_back_is_told(chat: Forge, rolled_back: RunOutcome) -> None:
    chat.bad_days = [TAKEN]
    assert told(rolled_back, chat.url + PATH) == ""
    [(method, path, headers, body)] = chat.asked
    assert (method, path, headers["content-type"]) == ("POST", PATH, "application/json")
    said = json.loads(body)
    assert (said["event"], said["verdict"], said["exit_status"]) == ("rolled back", "rolled back", 11)
    backend = said["services"][0]
    assert [backend[key]["tag"] for key in ("from", "tried", "running")] == [
        "vox-backend-2026.11.20-2",
        "vox-backend-2026.11.22-1",
        "vox-backend-2026.11.20-2",
    ]
    assert said["causes"][0]["to_do"] == TO_DO
    assert (said["by"].count("@"), said["build"]) == (1, "https://ci.example/7/")
    lines = said["text"].splitlines()
    assert lines[0].startswith("*ROLLED BACK* `lab`: `2 invariants are violated")
    assert (
        "- `backend`: from `vox-backend-2026.11.20-2`, tried `vox-backend-2026.11.22-1`, running `vox-backend-2026.11.20-2`"
        in lines
    )
    assert f"  - to do: `{TO_DO}`" in lines


def test_what_is_worth_telling(done: RunOutcome, rolled_back: RunOutcome, looked: RunOutcome) -> None:
    def of(outcome: RunOutcome, *, mended: bool = False) -> str:
        return event_of(outcome, mended=mended, day=DAY)

    assert of(done) == "done"
    assert of(rolled_back) == "rolled back"
    assert of(replace(rolled_back, verdict=RunVerdict.INCOMPLETE, exit_status=12)) == "rolled back"
    assert of(replace(done, verdict=RunVerdict.BROKEN, exit_status=13)) == "broken"
    assert of(replace(looked, verdict=RunVerdict.BROKEN, exit_status=13), mended=True) == "broken"
    assert of(looked, mended=True) == "recovered"
    assert of(ended(looked, DAY), mended=True) == "recovered", "it closed what was open, whatever else is red"
    assert of(ended(looked, DAY - timedelta(days=1))) == "waiver ended"
    for quiet in (
        looked,
        ended(looked, DAY),
        replace(looked, verdict=RunVerdict.VIOLATED, exit_status=1),
        replace(done, verdict=RunVerdict.REFUSED, exit_status=10, services=(), judgements=(), moves=()),
        replace(done, verdict=RunVerdict.INCOMPLETE, exit_status=12, moves=()),
    ):
        assert of(quiet) == ""
    assert of(replace(looked, verdict=RunVerdict.INCOMPLETE, exit_status=12), mended=True) == "", "it closed nothing"


def test_a_run_that_is_no_news_is_not_sent(chat: Forge, looked: RunOutcome) -> None:
    assert told(looked, chat.url + PATH) == ""
    assert chat.asked == []
    chat.bad_days = [TAKEN]
    assert told(ended(looked, DAY - timedelta(days=1)), chat.url + PATH) == ""
    said = json.loads(chat.asked[0][3])
    assert (said["event"], said["waivers_ended"]) == ("waiver ended", [looked.judgements[0].id])
    assert said["text"].startswith("waiver ended:\n*VIOLATED* `lab`")


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ((500, {}, b"no", 0.0), "it answered 500"),
        ((302, {"Location": "https://127.0.0.1:9/elsewhere"}, b"", 0.0), "it answered 302"),
        ((0, {}, b"", 0.0), "RemoteProtocolError"),
    ],
)
def test_a_bad_answer_is_a_line(
    chat: Forge, done: RunOutcome, answer: tuple[int, dict[str, str], bytes, float], why: str
) -> None:
    chat.bad_days = [answer]
    assert told(done, chat.url + PATH) == f"VOXGATE_WEBHOOK was not told of this run: {why}"
    assert len(chat.asked) == 1


def test_silence_ends(chat: Forge, done: RunOutcome) -> None:
    chat.bad_days = [(200, {}, b"ok", 1.0)]
    assert told(done, chat.url + PATH, deadline=0.2) == "VOXGATE_WEBHOOK was not told of this run: no answer within 0.2 s"


def test_who_is_not_known_gets_nothing(chat: Forge, done: RunOutcome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "other").mkdir()
    monkeypatch.setenv("SSL_CERT_FILE", str(Authority(tmp_path / "other").ca))
    why = told(done, chat.url + PATH)
    assert why == "VOXGATE_WEBHOOK was not told of this run: ConnectError: CERTIFICATE_VERIFY_FAILED"
    assert chat.asked == []


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:9/secret/words", "secret words", "https://", "https://secret:words/", "//secret"]
)
def test_an_address_that_is_none_is_not_said(done: RunOutcome, address: str) -> None:
    assert told(done, address) == "VOXGATE_WEBHOOK was not told of this run: it is no https address"


def test_without_an_address_nothing_is_said(done: RunOutcome) -> None:
    assert told(done, "") == ""


def test_a_mistake_of_ours_is_a_line(done: RunOutcome, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhook, "document", lambda *_: 1 / 0)
    assert told(done, "https://127.0.0.1:9/") == "VOXGATE_WEBHOOK was not told of this run: ZeroDivisionError"


def test_the_address_is_nowhere_and_no_secret_is_sent(chat: Forge, done: RunOutcome) -> None:
    address = chat.url + PATH
    chat.bad_days = [TAKEN]
    assert told(replace(done, summary=f"see {address} or JWT_SECRET=canary-1"), address) == ""
    body = chat.asked[0][3].decode()
    assert "canary-1" not in body
    assert PATH not in body
    assert datetime.fromtimestamp(json.loads(body)["started"], UTC).year == 2026


def test_nobodys_words_call_people(chat: Forge, rolled_back: RunOutcome) -> None:
    word = "<!channel> @here <https://evil.example|x> & `"
    bad = [replace(one, found=word, advice=word) if not one.verdict.is_green else one for one in rolled_back.judgements]
    chat.bad_days = [TAKEN]
    assert told(replace(rolled_back, judgements=tuple(bad), summary=word), chat.url + PATH) == ""
    text = json.loads(chat.asked[0][3])["text"]
    assert "evil.example" in text
    for sign in ("<", ">", "@here", "& "):
        assert sign not in text
    assert text.count("`") % 2 == 0


@pytest.mark.parametrize("saved", [False, True], ids=["of hosts", "of a saved look"])
def test_a_run_tells_what_it_came_to_and_only_notes_what_went_wrong(
    chat: Forge,
    done: RunOutcome,
    estate: Estate,
    tmp_path: Path,
    pytestconfig: pytest.Config,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    *,
    saved: bool,
) -> None:
    monkeypatch.setenv("VOXGATE_WEBHOOK", chat.url + PATH)
    monkeypatch.setattr(pytestconfig.option, "html", "never")
    chat.bad_days = [(403, {}, b"invalid_token", 0.0)]
    session = Session(estate, None, as_on=DAY)
    report = ReportFolder.create(tmp_path / "reports", datetime.now(UTC), "lab")
    progress = Progress(console_for(sys.stdout), session.redactor)
    gate = None if saved else Gate(estate, Options(), report.evidence, report.run, progress)
    collector = Collector(session)
    outcomes = Outcomes(session, report.run, gate, collector, deploy=True)
    run = Run(pytestconfig, session, report, progress, collector, gate, Screen(pytestconfig), outcomes, outcome=done)
    run.pytest_terminal_summary()
    assert run.outcome == done
    said = capsys.readouterr().out
    assert "DONE  lab: " in said
    assert len(chat.asked) == said.count("VOXGATE_WEBHOOK was not told of this run: it answered 403") == (0 if saved else 1)
    assert PATH not in said
