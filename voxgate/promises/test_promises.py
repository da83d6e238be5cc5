"""The promises, each a test: its docstring says what is promised, its failure what was seen.

Whoever asks first gets the service as it is; what starts it without what it needs comes before it runs.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from voxgate.contracts.metrics import read_metrics
from voxgate.errors import ContractError
from voxgate.model.answers import Answer
from voxgate.model.counting import counted
from voxgate.promises.contract import Contract, promise
from voxgate.promises.site import named, page
from voxgate.survey.answers import Page

SLOW = 2.0  # seconds: the gate's own limit (backend-health-is-clean)
AT_ONCE = 8
FUTURE = 5.0  # seconds by which a clock may differ
HUGE = 128 * 1024  # bytes of a header: more than any server should read into memory for a stranger
TICKS = 3  # intervals in which a dialler must have ticked
_LEAKING = ("Traceback (most recent call last)", 'File "')


# --- before it runs: --start ---


@promise(starts=True, per="required_settings")
def test_it_does_not_start_without_a_setting(contract: Contract, setting: str) -> None:
    """Without a required setting it ends at once, not with 0, and says the setting's name: a service that starts all the same
    fails at its first call.
    """
    with contract.started(without=setting) as started:
        until = time.monotonic() + contract.start_deadline
        while (status := started.ended()) is None and time.monotonic() < until and not contract.ask.listens():
            started.ends_within(0.05)
        said = contract.cut(started.last_words())
        assert status is not None, f"it runs without {setting}, as if it were there"
        assert status != 0, f"it ends with 0 without {setting}, as if all were well; it says: {said}"
        assert setting in started.words(), f"it ends with {status} without {setting}, and does not say so; it says: {said}"


@promise(starts=True, per="stores")
def test_it_says_that_a_store_is_down(contract: Contract, setting: str) -> None:
    """While nobody listens at the address in a store's setting it answers 503: whoever routes calls believes what it says."""
    health = contract.health
    with contract.refusing_address(setting) as address, contract.started(**{setting: address}) as started:
        until = time.monotonic() + contract.start_deadline
        seen: Page | None = None
        while time.monotonic() < until and started.ended() is None:
            page = contract.ask.page(health.path, health.schema)
            if not page.answer.trouble:
                seen = page
                break
            time.sleep(0.1)
        if started.ended() is not None:
            assert started.ended() != 0, "it ends with 0, as if all were well"
            return
        assert seen is not None, f"it answers nothing for {contract.start_deadline:.0f} s; it says: {started.last_words()}"
        assert seen.answer.status != 200, f"GET {health.path} answers 200 while nobody is at the address in {setting}"
        assert seen.answer.status == 503, (
            f"GET {health.path} answers {seen.answer.status}; a service without its store answers 503"
        )
        assert seen.document, f"GET {health.path} answers 503, and its body is no JSON that says which store"


@promise(starts=True)
def test_it_starts_in_time(contract: Contract) -> None:
    """With its settings it is healthy within its start_deadline (services.toml): a deploy waits no longer."""
    contract.begin()
    assert contract.begun.healthy, f"not healthy within {contract.start_deadline:.0f} s: {contract.begun.why}"


# --- while it runs ---


@promise(kinds=("python",))
def test_its_health_keeps_the_contract(contract: Contract) -> None:
    """GET health is 200, application/json, strict JSON, by its schema, in time."""
    page = contract.page()
    assert not page.problem, f"GET {page.answer.path} {page.problem}"
    assert page.answer.seconds < contract.within(SLOW), f"GET {page.answer.path} took {page.answer.seconds:.1f} s"


@promise(kinds=("python",))
def test_it_names_itself(contract: Contract) -> None:
    """The page says the repository that services.toml names, so that nobody takes another service for it."""
    found, wanted = contract.page().document.get("service"), contract.service.repository
    assert found == wanted, f"service is {found!r}, not {wanted!r}"


@promise(kinds=("python",))
def test_it_names_its_commit(contract: Contract) -> None:
    """The page says the commit that the process was started from; a deploy believes no other sign of it."""
    found = contract.page().document.get("commit")
    assert found != "unknown", "commit is 'unknown': it could not read the .git of its checkout"
    assert isinstance(found, str), "there is no commit"
    if contract.commit:
        assert found == contract.commit, f"commit is {found[:12]}, and the checkout is on {contract.commit[:12]}"


@promise(kinds=("python",))
def test_it_is_one_process(contract: Contract) -> None:
    """pid, started_at and commit stay what they are from question to question: two processes on a port are two services."""
    pages = [contract.page() for _ in range(4)]
    seen = {tuple(str(page.document.get(key)) for key in ("pid", "started_at", "commit")) for page in pages}
    assert len(seen) == 1, (
        f"four questions in a row are answered by {counted(len(seen), 'process', 'processes')}: "
        f"(pid, started_at, commit) {sorted(seen)}"
    )


@promise(kinds=("python",))
def test_it_started_before_now(contract: Contract) -> None:
    """started_at is a moment with a time zone, and not ahead: the gate compares it with when it restarted the unit."""
    said = str(contract.page().document.get("started_at"))
    moment = datetime.fromisoformat(said)
    assert moment.tzinfo is not None, f"started_at {said} has no time zone"
    assert moment.timestamp() <= datetime.now(UTC).timestamp() + FUTURE, f"started_at {said} is ahead of the clock"


@promise(kinds=("python",))
def test_it_answers_several_at_once(contract: Contract) -> None:
    """Eight who ask at the same time all get the page, in time: load balancers, monitors and the gate do ask so."""
    health = contract.health
    with ThreadPoolExecutor(AT_ONCE) as pool:
        pages = list(pool.map(lambda _: contract.ask.page(health.path, health.schema), range(AT_ONCE)))
    wrong = [page.problem for page in pages if page.problem]
    assert not wrong, f"of {AT_ONCE} asked at once {len(wrong)} are wrong: {wrong[0]}"
    slowest = max(page.answer.seconds for page in pages)
    assert slowest < contract.within(SLOW), f"of {AT_ONCE} asked at once the slowest took {slowest:.1f} s"


@promise(kinds=("python",))
def test_head_is_no_error(contract: Contract) -> None:
    """HEAD, which load balancers ask, is 200, or 405 where it is not offered; it has no body, and is no error of the server's."""
    answer = contract.ask.ask(contract.health.path, "HEAD")
    assert not answer.trouble, f"HEAD {answer.path} gave no answer: {answer.trouble}"
    assert answer.status in {200, 405}, f"HEAD {answer.path} answers {answer.status}"
    assert not answer.body, f"HEAD {answer.path} has a body of {len(answer.body)} bytes"


@promise(kinds=("python",))
def test_an_unknown_path_is_404(contract: Contract) -> None:
    """A path that there is not is 404, and says nothing of the program."""
    answer = contract.ask.ask("/voxgate-asks-for-what-there-is-not")
    assert answer.status == 404, f"GET {answer.path} answers {answer.trouble or answer.status}"
    assert not _leaks(answer), f"GET {answer.path} shows the program: {_leaks(answer)}"


@promise(kinds=("python",))
def test_what_is_too_large_is_refused(contract: Contract) -> None:
    """A header of 128 kB is refused by 4xx or by closing the connection, never by 5xx; and the next who asks is served."""
    answer = contract.ask.ask(contract.health.path, headers=[("x-large", "a" * HUGE)])
    assert answer.trouble or 400 <= answer.status < 500, f"a header of {HUGE} bytes is answered by {answer.status}"
    assert not _leaks(answer), f"a header of {HUGE} bytes shows the program: {_leaks(answer)}"
    _goes_on(contract, "a header that is too large")


@promise(kinds=("python",))
def test_what_is_no_request_is_refused(contract: Contract) -> None:
    """Bytes that are no HTTP are refused or not answered at all, never by 2xx or 5xx; and the next who asks is served."""
    try:
        line = contract.ask.raw(b"\x16\x03\x01 no request of HTTP\r\n\r\n").decode("latin-1")
    except OSError as error:
        line = f"nothing for {error}"
    status = line.partition(" ")[2][:1] if line.startswith("HTTP/1.") else ""
    assert status not in {"2", "5"}, f"bytes that are no HTTP are answered by {line!r}"
    _goes_on(contract, "bytes that are no HTTP")


# --- what only one of them promises ---


@promise(services=("fleet",))
def test_the_aggregate_keeps_the_contract(contract: Contract) -> None:
    """GET /health/fleet keeps its schema, counts the worker that was asked, and has no more calls than slots."""
    aggregate = contract.service.aggregate_health
    assert aggregate is not None
    page, own = contract.ask.page(aggregate.path, aggregate.schema), contract.page().document
    assert not page.problem, f"GET {aggregate.path} {page.problem}"
    said = page.document
    assert said["worker_calls"] <= said["worker_max"], f"{said['worker_calls']} calls on {said['worker_max']} slots"
    assert said["worker_max"] >= own.get("worker_max", 0), "the aggregate has fewer slots than this worker alone"
    if "workers" in said:
        assert own.get("worker") in said["workers"], f"this worker, {own.get('worker')}, is not among its workers"


@promise(services=("fleet",))
def test_its_pipecat_is_the_pinned_one(contract: Contract) -> None:
    """The worker reports the Pipecat that pyproject.toml pins."""
    if contract.pinned:
        found = contract.page().document.get("pipecat")
        assert found == contract.pinned, f"pipecat is {found!r}, and pyproject.toml pins {contract.pinned!r}"


@promise(services=("dialler",))
def test_it_ticks_at_its_pace(contract: Contract) -> None:
    """Between two questions the ticks grow as tick_interval_seconds says: with too few it stands, with too many it over-dials."""
    first = contract.page()
    assert not first.problem, f"GET {first.answer.path} {first.problem}"
    interval = float(first.document["tick_interval_seconds"])
    waited = min(max(TICKS * interval, 1.0), 15.0)
    time.sleep(waited)  # what is promised is a pace
    second = contract.page()
    assert not second.problem, f"GET {second.answer.path} {second.problem}"
    grown, passed = second.document["ticks"] - first.document["ticks"], second.answer.asked - first.answer.asked
    said = f"{counted(grown, 'tick')} in {passed:.1f} s, and one each {interval:g} s is promised"
    # Each page was made at some time between its question and its answer.
    shortest, longest = passed - first.answer.seconds, passed + second.answer.seconds
    assert grown >= int(shortest / contract.within(interval)) - 1, said
    assert grown <= longest / interval + 2, said


@promise(services=("dialler",))
def test_its_metrics_are_well_formed(contract: Contract) -> None:
    """GET /metrics is what Prometheus reads: typed, counters that end in _total, no series twice."""
    metrics = contract.service.metrics
    assert metrics is not None
    answer = contract.ask.ask(metrics.path)
    assert answer.status == 200, f"GET {metrics.path} answers {answer.trouble or answer.status}"
    try:
        read_metrics(answer.body, answer.headers.get("content-type", ""))
    except ContractError as error:
        raise AssertionError(f"GET {metrics.path}: {error.line}") from None


@promise(kinds=("static",))
def test_its_index_is_a_page(contract: Contract) -> None:
    """GET / is 200 and HTML, and no browser keeps it without asking again: it names the files of this build."""
    index = page(contract.ask, "/")
    assert index.headers.get("content-type", "").startswith("text/html"), f"its type is {index.headers.get('content-type')!r}"
    kept = index.headers.get("cache-control", "")
    assert any(word in kept for word in ("no-cache", "no-store", "max-age=0")), f"browsers may keep it: cache-control {kept!r}"


@promise(kinds=("static",))
def test_a_deep_link_is_the_index(contract: Contract) -> None:
    """A link into the application (/calls/7) is answered by the index: people send each other such links."""
    assert page(contract.ask, "/calls/7").body == page(contract.ask, "/").body, (
        "GET /calls/7 is answered by something else than the index"
    )


@promise(kinds=("static",))
def test_its_files_are_there(contract: Contract) -> None:
    """Each script and style that the index names is 200, is no HTML, and has a type of its own."""
    found = named(contract.ask)
    assert found, "the index names no script and no style"
    for path in found:
        answer = page(contract.ask, path)
        kind = answer.headers.get("content-type", "none")
        assert kind.partition(";")[0] in {"text/css", "text/javascript", "application/javascript"}, (
            f"GET {path} has type {kind!r}"
        )


@promise(kinds=("static",))
def test_it_hides_what_is_nobodys(contract: Contract) -> None:
    """.env, .git, package.json and source maps are not served."""
    index = page(contract.ask, "/")
    maps = [f"{path}.map" for path in named(contract.ask)]
    for path in ("/.env", "/.git/HEAD", "/.git/config", "/package.json", *maps):
        answer = contract.ask.ask(path)
        assert answer.status != 200 or answer.body == index.body, f"GET {path} is served: {len(answer.body)} bytes"


@promise(starts=True, last=2)
def test_it_stops_when_asked(contract: Contract) -> None:
    """SIGTERM ends it within ten seconds, as systemd waits before it kills; what it printed holds no value of its settings."""
    started = contract.begun.started
    assert started is not None
    words = started.words()
    shown = sorted(name for name in contract.secrets() if contract.settings[name] in words)
    took = started.stop()
    assert took is not None, f"it did not end within {started.stops_within:.0f} s of SIGTERM, and was killed"
    assert not shown, f"what it prints holds the value of {', '.join(shown)}"


def _leaks(answer: Answer) -> str:
    text = answer.body.decode(errors="replace")
    return next((sign for sign in _LEAKING if sign in text), "")


def _goes_on(contract: Contract, after: str) -> None:
    page = contract.page()
    assert not page.problem, f"after {after}: GET {page.answer.path} {page.problem}"
