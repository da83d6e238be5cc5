"""The summary for a chat: what stands in it, and that nobody but the gate says anything there but words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from itertools import chain
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from voxgate.model.content import Commit, Commits, Content, Direction, Files, Package, Packages, Settings
from voxgate.model.run_facts import Compared, Gap, How
from voxgate.model.verdict import Judgement, Ran, RunOutcome, ServiceOutcome, Verdict
from voxgate.model.waiver import Waiver
from voxgate.redaction.cutting import Redactor
from voxgate.report.summary import Origin, message, quoted, summary, told
from voxgate.report.verdict import verdict_file

US = Origin("ops@gate", "https://ci.example/job/voxgate/7/")
HOSTILE = (
    "@here",
    "(@channel)",
    "<!channel>",
    "<@U024BE7LH>",
    "<https://evil.example|the report>",
    "https://evil.example",
    "[evil](https://evil.example)",
    "![evil](https://evil.example/x.png)",
    "` evil",
    "``` evil",
    "evil | evil |",
    "\\| evil",
    "\\` evil",
    "**evil** _evil_ ~evil~",
    "evil\n\n# evil",
    "evil\r# evil",
    "evil\u2028# evil",
    "<b>evil</b>",
    "&lt;evil&gt;",
    "evil\\",
    " evil ",
    "\u202eevil",
)


def words_of(text: str) -> tuple[list[str], list[str]]:
    """What a reader of Markdown takes for structure, and what it takes for plain words."""
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    inline = list(chain.from_iterable(token.children or [] for token in tokens if token.type == "inline"))
    kinds = [token.type for token in (*tokens, *inline) if token.type not in {"inline", "text"}]
    return kinds, [token.content for token in inline if token.type == "text"]


def saying(outcome: RunOutcome, word: str) -> tuple[RunOutcome, Origin]:
    """The run with ``word`` wherever somebody else has a say."""

    def judged(one: Judgement) -> Judgement:
        if one.verdict is Verdict.HOLDS:
            return one
        return replace(one, found=word, advice=word, id=f"{one.invariant}[{word}]", host=None, service=None)

    waived = replace(
        outcome.judgements[0],
        verdict=Verdict.WAIVED,
        found=word,
        waivers=(Waiver("head-is-the-release", "", word, word, word, date(2026, 12, 20)),),
    )
    ran = Ran(word, word)
    commit = Commit("a" * 40, word, word, 0)
    content = Content(
        Direction.APART,
        word,
        Commits(2, (commit,)),
        Commits(2, (commit,)),
        Files(1),
        Packages(2, (Package(word, word, word, word), Package(word, word, None, word)), (word,)),
        Settings(word, (word,), (word,)),
    )
    before = Compared(word, How.LOOK, word, ("a",), settings=((word, (word,), ()),))
    run = replace(
        outcome,
        run=word,
        estate=word,
        summary=word,
        judgements=(waived, *map(judged, outcome.judgements[1:])),
        missing=(f"a[{word}]",),
        moves=tuple(replace(move, error=move.error and word, hint=move.hint and word) for move in outcome.moves),
        services=(ServiceOutcome(word, (word,), ran, ran, ran, content),),
        gaps=(Gap(word, word, word, 0.0, 1.0), Gap("dialler", word, word, 0.0, 1.0)),
        compared=before,
    )
    return run, Origin(word, f"{word} 7")  # no address: that is the build's own link


@pytest.mark.parametrize("word", HOSTILE)
def test_nobody_elses_word_is_anything_but_a_word(rolled_back: RunOutcome, word: str) -> None:
    told, plain = (summary(*saying(rolled_back, said)) for said in (word, "harmless"))
    assert told.count("\n") == plain.count("\n")
    (kinds, words), (wanted, known) = words_of(told), words_of(plain)
    assert (kinds, words) == (wanted, known), "the same structure, and the same words beside the code spans"
    assert not {"link_open", "image", "html_inline", "html_block"} & set(kinds)
    assert "<" not in told, "Slack takes what stands behind it for a link or a mention, in a code span too"
    assert "@here" not in told
    assert "@channel" not in told
    assert "\u202e" not in told
    assert "harmless" not in " ".join(words), "all of it stands in code spans, where no address becomes a link"


def test_a_command_stays_one_to_copy() -> None:
    command = "sudo systemctl restart voxcore@2.service && ssh ops@sip-1 'journalctl -n 20 > /tmp/x'"
    assert quoted(command) == f"`{command}`"
    assert quoted("") == quoted(" \n ") == "-"
    assert len(quoted("x" * 10_000)) < 400


def test_a_deploy_is_told(done: RunOutcome) -> None:
    told = summary(done, US).splitlines()
    assert told[0].startswith("**DONE** `lab`: `4 services are released")
    assert told[0].endswith(f"({len(done.judgements)} of {len(done.judgements)} hold, 41.2 s)")
    assert told[2:4] == ["| service | from | tried | running |", "|---|---|---|---|"]
    backend = "| `backend` | `vox-backend-2026.11.20-2` | `vox-backend-2026.11.22-1` | `vox-backend-2026.11.22-1` |"
    assert backend in told
    assert len(told) == 10, "nothing fell: the verdict, the table, who and when"
    assert told[-1] == (
        "deploy by `ops@gate`, build https://ci.example/job/voxgate/7/, from 2026-11-22 09:14:03 UTC to 2026-11-22 09:14:44 UTC, "
        "run `2026-11-22T09-14-03Z-lab-3fa2`"
    )


def test_what_the_releases_bring_who_served_and_what_changed_is_told(told: RunOutcome) -> None:
    said = summary(told, US)
    lines = said.splitlines()
    assert "- `backend`: `53 commits, 23 files, 2 packages, new in .env.example: LOG_LEVEL`" in lines
    assert "  - [000000000000](https://forge/0) `Subject 0` by `Ada`" in lines
    assert "  - and 33 more: verdict.json names up to 50" in lines
    assert "  - `uv.lock`: `httpx 0.27.0 -> 0.28.1`" in lines
    assert "  - settings new in `.env.example`: `LOG_LEVEL`" in lines
    assert "- `fleet`: `takes 1 commit back, 1 file, 0 packages`" in lines
    assert "  - taken away: [000000000000](https://forge/0) `Subject 0` by `Ada`" in lines
    assert "- `dialler`: `the first deploy here: there is nothing to compare it with`" in lines
    assert "  - not read: `uv.lock: it is 9 MB`" in lines
    assert "- fleet: 5 of 6 workers served at the lowest, 1 call cut" in lines
    assert "- fleet: on the way back 4 of 6 workers served at the lowest, 0 calls cut" in lines
    assert "- `fleet`: 2 units were away, each for 1.2 to 1.5 s" in lines
    assert "- nobody dialled: `sip-1 voxdialler.service: 6.2 s`" in lines
    assert "- nobody dialled: `sip-1 voxdialler.service: not seen up again (way back)`" in lines
    since = (
        "- since `2026-11-22T08-00-00Z-lab-11aa (look, violated): 1 no longer holds; 2 hold again; fleet requires LOG_LEVEL now; "
    )
    assert since in said
    assert lines[-1].startswith("deploy and rollback by `ops@gate`, build ")
    short = message(told, US, "done")
    assert ": `53 commits, 23 files, 2 packages, new in .env.example: LOG_LEVEL`" in short
    assert "Subject" not in short


def test_what_does_not_hold_is_told_with_what_to_do(rolled_back: RunOutcome) -> None:
    told = summary(rolled_back, US)
    assert "**ROLLED BACK** `lab`" in told
    assert "2 violated, 1 blind, 1 not judged" in told.splitlines()[0]
    assert "- violated: `fleet: health on fleet-2`: `voxcore@2.service is failed: exit status 1; fleet-2: voxcore@2" in told
    assert "\n  - to do: put DEEPGRAM_API_KEY" in told.replace("`", "")
    assert "- blind: `sip-1`: `could not look (denied)" in told
    assert "- not judged: `tick-loop-is-alive[sip-1-voxdialler]`" in told
    assert f"- after the rollback: holds, {len(rolled_back.rollback)} of {len(rolled_back.rollback)} hold" in told


def test_five_causes_are_told_and_the_others_counted(done: RunOutcome) -> None:
    def fallen() -> Iterator[Judgement]:
        for number, one in enumerate(done.judgements):
            bad = one.invariant in {"head-is-the-release", "release-is-on-main"}
            yield replace(one, verdict=Verdict.VIOLATED, found=f"{'abcdefgh'[number % 8] * (number + 2)}") if bad else one

    run = replace(done, judgements=tuple(fallen()))
    count = sum(one.verdict is Verdict.VIOLATED for one in run.judgements)
    told = summary(run, US)
    assert count > 6
    assert told.count("- violated: ") == 5
    assert f"- and {count - 5} more causes" in told


def test_what_is_waived_has_its_end(done: RunOutcome) -> None:
    waiver = Waiver("head-is-the-release", "", "x", "the vendor mends it", "ops@example.com", date(2026, 12, 20))
    one = replace(done.judgements[0], verdict=Verdict.WAIVED, found="x", waivers=(waiver,))
    told = summary(replace(done, judgements=(one, *done.judgements[1:])), US)
    assert "- waived until 2026-12-20: `head is the release [" in told
    assert "`the vendor mends it (ops@example.com, until 2026-12-20)`" in told


def test_no_secret_of_the_gate_is_in_it(done: RunOutcome) -> None:
    redactor = Redactor(["canary-2"])
    leaking = replace(done, summary="it said canary-2", services=(replace(done.services[0], running=Ran("canary-2")),))
    origin = Origin.of("run", redactor, {"BUILD_URL": "https://user:hunter22@ci.example/canary-2/"})
    told = summary(verdict_file.cut(leaking, redactor), origin)
    assert "canary-2" not in told
    assert "hunter22" not in told


@pytest.mark.parametrize(
    ("environ", "build"),
    [({}, ""), ({"BUILD_TAG": "jenkins-7"}, "jenkins-7"), ({"BUILD_URL": "https://ci/7/", "BUILD_TAG": "j"}, "https://ci/7/")],
)
def test_the_build_is_what_jenkins_says(environ: dict[str, str], build: str, tmp_path: Path) -> None:
    assert Origin.of(tmp_path.name, Redactor(), environ).build == build


def test_what_is_typed_is_a_code_span_of_its_own() -> None:
    """Copied from there it is the command, pipe and all; words of a host around it are markup nowhere."""
    assert told("`journalctl -u voxcore@2.service` says why; on data: `du -x / | sort -h`; or add: <!channel>") == (
        "`journalctl -u voxcore@2.service` `says why; on data:` `du -x / | sort -h` `; or add: \u2039!channel>`"
    )
    assert told("one ` alone") == "`one ' alone`"
