"""What hosts keep when a deploy is done, what a later look says of it, and that nothing but lines ever comes of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.suites.conftest import Case
from tests.unit.suites.conftest import green as green  # noqa: PLC0414 - a fixture
from tests.unit.suites.test_fingerprints import with_boot, with_file, with_listener, with_tree
from tests.unit.test_history import Here
from tests.unit.test_history import host as host  # noqa: PLC0414 - a fixture
from tests.unit.test_on_host import Host
from voxgate.contracts.estates import load_estate
from voxgate.deploy.hosts import journal_writer
from voxgate.deploy.hosts.answers import State, Written
from voxgate.deploy.hosts.done import document_of, read_done
from voxgate.deploy.hosts.state import Author, Found, found_of, placements_of
from voxgate.deploy.judging import since_done
from voxgate.deploy.judging.since_done import changes_since, kept_of
from voxgate.deploy.looking import _Notes
from voxgate.deploy.run_context import Options, RunContext
from voxgate.errors import CommandUnknown
from voxgate.model.access import ANY
from voxgate.model.estate import Estate, JobEntry
from voxgate.model.evidence import Missing, known
from voxgate.model.fingerprints import Difference, HostChanges, Kept, differences
from voxgate.model.kept_file import KeptFile
from voxgate.model.part import narrowed
from voxgate.model.surroundings import JobFact, KeyFact, SudoRule
from voxgate.model.web_servers import MadeOfFact
from voxgate.survey.brought import Packages
from voxgate.survey.explaining import explained, files_of
from voxgate.survey.fingerprints import prints_of, rows_of
from voxgate.transport.ssh.connections import Connections

T = TypeVar("T")

ESTATE = load_estate("lab")
API, DATA = "api-1", "data"
HOSTS = [DATA, API, "fleet-1", "fleet-2", "sip-1"]
AT = "2026-11-22T09:14:03Z"
ALONE = replace(
    ESTATE,
    hosts=tuple(one for one in ESTATE.hosts if one.name in {API, DATA}),
    services=(ESTATE.service("backend"),),
)
KEPT = Kept("r1", AT, "lab", 1e9, {"boot": {"x.service": "a" * 12, "y.service": ""}, "job": {}})


def test_what_is_kept_is_read_back() -> None:
    assert read_done(document_of(KEPT), API) == KEPT
    assert read_done(None, API) is None
    assert "\n" not in document_of(KEPT)
    assert document_of(KEPT).isascii()


def test_no_host_makes_it_longer_than_a_host_reads() -> None:
    many = {f"kind {kind}": {f"{'x' * 100} {row}": "a" * 12 for row in range(400)} for kind in range(20)}
    said = document_of(replace(KEPT, prints=many))
    assert len(said) < 65536
    assert isinstance(read_done(said, API), Kept)


@pytest.mark.parametrize(
    "change",
    [
        {"format": 2},
        {"form": 99},
        {"run": "x" * 1000},
        {"clock": "now"},
        {"clock": None},
        {"prints": []},
        {"prints": {"boot": {"x": "short"}}},
        {"prints": {"boot": {"x": 1}}},
        {"prints": {"boot": {"x": "a" * 12 + "\n"}}},
        {"prints": {"boot": {"x" * 1000: "a" * 12}}},
        {"prints": {"boot": {str(n): "a" * 12 for n in range(500)}}},
        {"prints": {str(n): {} for n in range(500)}},
    ],
)
def test_what_is_of_another_form_is_not_believed(change: Mapping[str, object]) -> None:
    said = json.dumps({**json.loads(document_of(KEPT)), **change})
    assert isinstance(read_done(said, API), Missing)


@given(st.text(max_size=50) | st.binary(max_size=50).map(lambda one: one.decode("utf-8", "surrogateescape")))
def test_whatever_stands_there_is_a_missing_or_nothing(said: str) -> None:
    assert isinstance(read_done(said, API), Missing)
    assert isinstance(read_done(document_of(KEPT)[: len(said)], API), Missing)


def read(host: Host, *, done: bool) -> Any:
    """What a look reads of the whole host."""
    return host.ask("claim", services={}, owner={}, done=done)["ok"]["done"]


def test_a_host_keeps_it_for_all_of_its_services_and_tells_it_who_asks(host: Host) -> None:
    claim = Here(host, "r1")
    assert read(host, done=True) is None
    estate = replace(ESTATE, hosts=tuple(one for one in ESTATE.hosts if one.name == API))
    backend = replace(estate, services=(estate.service("backend"),))
    assert journal_writer.keep_done(claim, backend, {API: KEPT}) == []
    assert (host.root / "done.json").stat().st_mode & 0o777 == 0o600
    assert read(host, done=False) is None
    assert read_done(read(host, done=True), API) == KEPT
    other = replace(KEPT, run="r2")
    journal_writer.keep_done(claim, backend, {API: other})
    assert read_done(read(host, done=True), API) == other
    assert not (host.root / "backend" / "journal.json").exists()


def others_on(host: Host) -> list[str]:
    """Of which hosts this one keeps anything."""
    return sorted(path.name for path in host.root.iterdir() if path.name.startswith("done-"))


def test_a_host_keeps_it_for_one_that_has_no_service_too(host: Host) -> None:
    of_data = replace(KEPT, run="r2")
    assert journal_writer.keep_done(Here(host, "r1"), ALONE, {API: KEPT, DATA: of_data}) == []
    assert (host.root / "done-data.json").stat().st_mode & 0o777 == 0o600
    said = host.ask("claim", services={}, owner={}, done=True, others=[DATA, "db"])["ok"]
    assert (read_done(said["done"], API), read_done(said["others"][DATA], API, of=DATA)) == (KEPT, of_data)
    assert said["others"]["db"] is None
    assert host.ask("claim", services={}, owner={}, done=False)["ok"]["others"] == {}


def test_what_is_kept_of_a_host_goes_with_it(host: Host) -> None:
    """Renamed, or taken out. Of one that was only not seen it stays, and so does what is none of ours."""
    claim = Here(host, "r1")
    journal_writer.keep_done(claim, ALONE, {API: KEPT, DATA: KEPT})
    (host.root / "done-folder.json").mkdir()
    (host.root / "done-link.json").symlink_to("/no/such")
    assert journal_writer.keep_done(claim, ALONE, {API: replace(KEPT, run="r2")}) == []
    assert others_on(host) == ["done-data.json", "done-folder.json"]
    renamed = replace(ALONE, hosts=tuple(replace(one, name="db") if one.name == DATA else one for one in ALONE.hosts))
    assert journal_writer.keep_done(claim, renamed, {API: KEPT, "db": KEPT}) == []
    assert others_on(host) == ["done-db.json", "done-folder.json"]
    gone = replace(ALONE, hosts=tuple(one for one in ALONE.hosts if one.name == API))
    assert journal_writer.keep_done(claim, gone, {API: KEPT}) == []
    assert others_on(host) == ["done-folder.json"]


class Asked(Here):
    """A claim that notes what each host would be told."""

    def __init__(self, host: Host, lost: frozenset[str] = frozenset()) -> None:
        super().__init__(host, "r1")
        self.told: dict[str, dict[str, str | None]] = {}
        self._gone = lost

    @property
    def lost(self) -> frozenset[str]:
        """Those that it was begun with."""
        return self._gone

    def ask(self, host: str, op: str, deadline: float, read: Callable[[object], T], **words: Any) -> T:
        """One request, to the gate's part on this machine, whichever host it is for."""
        if host in self._gone:
            raise CommandUnknown("this host was lost", where=host)
        self.told[host] = words["others"]
        return super().ask(host, op, deadline, read, **{**words, "service": "backend"})


def test_hosts_with_services_keep_it_in_turn_and_who_is_lost_keeps_nothing(host: Host) -> None:
    names = (DATA, "db-1", "db-2", "db-3", "db-4")
    data = ESTATE.host(DATA)
    estate = replace(ESTATE, hosts=(*(replace(data, name=name) for name in names), *ESTATE.hosts[1:]))
    kept = dict.fromkeys([one.name for one in estate.hosts if one.name != "db-4"], KEPT)
    claim = Asked(host)
    assert journal_writer.keep_done(claim, estate, kept) == []
    by = {name: [other for other, said in others.items() if said] for name, others in claim.told.items()}
    assert by == {API: [DATA], "fleet-1": ["db-1"], "fleet-2": ["db-2"], "sip-1": ["db-3"]}
    assert all(others["db-4"] is None for others in claim.told.values())
    claim = Asked(host, frozenset({API}))
    (line,) = journal_writer.keep_done(claim, estate, kept)
    assert line == "api-1 does not keep what was seen of it: api-1: this host was lost"
    by = {name: [other for other, said in others.items() if said] for name, others in claim.told.items()}
    assert by == {"fleet-1": [DATA, "db-3"], "fleet-2": ["db-1"], "sip-1": ["db-2"]}


PLACES: Mapping[str, Callable[[Path], object]] = {
    "folder": Path.mkdir,
    "link": lambda path: path.symlink_to("/no/such"),
    "bytes": lambda path: path.write_bytes(b"\xff{"),
}


@pytest.mark.parametrize("make", PLACES.values(), ids=PLACES)
def test_what_lies_in_its_place_hinders_no_look(host: Host, make: Callable[[Path], object]) -> None:
    make(host.root / "done.json")
    make(host.root / "done-data.json")
    said = read(host, done=True)
    assert said is None or isinstance(read_done(said, API), Missing)
    beside = host.ask("claim", services={}, owner={}, others=[DATA])["ok"]["others"][DATA]
    assert beside is None or isinstance(read_done(beside, API, of=DATA), Missing)


def test_a_mistake_of_ours_is_a_line_too(green: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """All is promoted by then: the deploy is done."""

    def mistaken(_: object) -> NoReturn:
        raise KeyError("sudo")

    monkeypatch.setattr(since_done, "prints_of", mistaken)
    (said,) = since_done.keep(replace(context({}), seen=green.evidence.second))
    assert said.startswith("no host keeps what was seen of it: ")


def test_a_host_that_cannot_keep_it_is_a_line(host: Host) -> None:
    (host.root / "done-data.json").mkdir()
    (said,) = journal_writer.keep_done(Here(host, "r1"), ALONE, {API: KEPT, DATA: KEPT})
    assert said.startswith("api-1 does not keep what was seen of it, data: ")
    (host.root / "done.json").unlink()
    (host.root / "done.json").mkdir()
    (said,) = journal_writer.keep_done(Here(host, "r1"), ALONE, {API: KEPT})
    assert said.startswith("api-1 does not keep what was seen of it: ")
    assert journal_writer.keep_done(Here(host, "r1"), ALONE, {}) == []


def context(kept: Mapping[str, Kept | Missing | None], ledger: tuple[str, ...] = (), estate: Estate = ESTATE) -> RunContext:
    """A run that has read this on the hosts; what is kept of the one without a service on the first of them. It reaches none,
    also where a lab is up.
    """
    of_data = kept.get(DATA)
    others = {} if of_data is None else {API: {DATA: of_data}}
    found = {
        one.id: Found(None, done=kept.get(one.host.name), ledger=ledger, others=others.get(one.host.name, {}))
        for one in estate.placements
    }
    nowhere = replace(estate, hosts=tuple(replace(one, address="127.0.0.1", port=1) for one in estate.hosts))
    return RunContext(estate, Connections(nowhere), _Notes(str), Options(), Author("r2"), found=found)


def since(
    green: Case, other: Case, ledger: tuple[str, ...] = (), tried: Mapping[str, str] | None = None, name: str = API
) -> HostChanges:
    """What a look at the other case says of a host, where the first one was done. No host answers: dpkg is not asked."""
    kept = kept_of(green.evidence.second, ESTATE, "r1", AT)
    told = changes_since(context(kept, ledger), other.evidence.second, tried or {})
    assert [one.host for one in told] == HOSTS
    return next(one for one in told if one.host == name)


def test_where_nothing_changed_nothing_is_told(green: Case) -> None:
    kept = kept_of(green.evidence.second, ESTATE, "r1", AT)
    told = changes_since(context(kept), green.evidence.second, {})
    assert told == tuple(HostChanges(name, "r1", AT) for name in HOSTS)


def test_what_nobody_explains_is_told_with_the_run_since_when(green: Case) -> None:
    told = since(green, with_listener(with_file(green)))
    assert (told.run, told.at) == ("r1", AT)
    assert [one.line for one in told.unexplained] == [
        "listener tcp 0.0.0.0:9000 is new",
        "unit file /etc/systemd/system/voxbridge.service.d/x.conf is new",
    ]
    assert told.note.startswith("dpkg could not be asked: ")


def test_what_changed_on_a_host_where_nothing_is_deployed_is_told(green: Case) -> None:
    """It keeps nothing itself: another one does."""
    job = JobFact("/etc/cron.d/x", "root", ("git",))
    told = since(green, green.host(DATA, jobs=(*known(green.of(DATA).jobs), job)), name=DATA)
    assert (told.run, told.at) == ("r1", AT)
    assert [one.line for one in told.unexplained] == ["job /etc/cron.d/x is new"]
    assert told.note.startswith("dpkg could not be asked: data"), "of that host itself it is asked"


def test_of_what_several_keep_of_one_host_the_last_word_counts(green: Case) -> None:
    """And this estate's before another's: a host that was away at the last done has an earlier one."""
    kept = kept_of(green.evidence.second, ESTATE, "r1", AT)

    def of_data(**said: Kept | Missing) -> HostChanges:
        """What is told where hosts (``fleet_1``) say this."""
        by = {name.replace("_", "-"): {DATA: one} for name, one in said.items()}
        run = context(kept)
        run.found = {one.id: replace(run.found[one.id], others=by.get(one.host.name, {})) for one in ESTATE.placements}
        return next(one for one in changes_since(run, green.evidence.second, {}) if one.host == DATA)

    first, later = kept[DATA], replace(KEPT, run="r2", at="2026-11-23T09:14:03Z")
    torn, told = Missing("unparsable", "it is torn"), HostChanges(DATA, "r1", AT)
    assert of_data().note == "no done is kept of it: nothing to compare with"
    assert of_data(fleet_1=first) == told
    assert of_data(fleet_1=later, fleet_2=first).run == of_data(fleet_1=first, fleet_2=later).run == "r2"
    assert of_data(fleet_1=replace(later, estate="staging"), fleet_2=first) == told
    assert of_data(fleet_1=torn, fleet_2=first) == of_data(fleet_1=first, fleet_2=torn) == told
    assert of_data(fleet_1=torn).note == "what was kept at done is not compared: it is torn"
    assert of_data(fleet_1=replace(first, estate="x")).note == "what was kept at done is another estate's: it is not compared"


def test_a_part_without_the_host_that_keeps_it_says_so(green: Case) -> None:
    part = narrowed(ESTATE, frozenset({DATA, "sip-1"}))
    run = context(kept_of(green.evidence.second, ESTATE, "r1", AT), estate=part)
    told = {one.host: one.note for one in changes_since(run, green.evidence.second, {})}
    assert told == {DATA: "no done is kept of it by the hosts of this part: nothing to compare with", "sip-1": ""}


def line(**said: object) -> str:
    return json.dumps({"n": 1, "event": "promoted", "run": "r1b", "at": AT, "tag": "vox-backend-2026.11.22-2", **said})


@pytest.mark.parametrize(
    ("ledger", "tried", "why"),
    [
        ((), {"backend": "vox-backend-2026.11.22-1"}, ("release vox-backend-2026.11.22-1 of this run",)),
        ((line(),), {}, ("release vox-backend-2026.11.22-2 of run r1b (promoted)",)),
        ((line(),), {"backend": "vox-backend-2026.11.22-1"}, ("release vox-backend-2026.11.22-1 of this run",)),
        ((line(tag=None, commit="c" * 40, event="begun"),), {}, (f"release {'c' * 12} of run r1b (begun)",)),
        ((line(run="r1"),), {}, ()),
        ((line(at="2026-11-22T09:14:02Z"),), {}, ()),
        ((line(event="note"), "no json", line(event=3)), {}, ()),
        ((), {"fleet": "vox-agents-2026.11.22-1"}, ()),
    ],
)
def test_a_release_explains_what_its_service_is_made_of(
    green: Case, ledger: tuple[str, ...], tried: Mapping[str, str], why: tuple[str, ...]
) -> None:
    """And nothing else; one that came before the last done is none."""
    told = since(green, with_file(with_tree(green)), ledger, tried)
    assert [(one.kind, one.why) for one in told.changes] == [("checkout", why), ("unit file", ())]


def test_a_release_explains_that_its_unit_runs_another_program(green: Case) -> None:
    """Another Python, say."""
    other = green.process(API, "voxbridge.service", exe="/usr/bin/python3.12")
    why = ("release vox-backend-2026.11.22-1 of this run",)
    for tried, found in (({"backend": "vox-backend-2026.11.22-1"}, why), ({"console": "x"}, ())):
        assert [(one.kind, one.why) for one in since(green, other, (), tried).changes] == [("program", found)]


def test_what_was_not_kept_or_is_another_s_is_a_line(green: Case) -> None:
    look = green.evidence.second
    kept = {**kept_of(look, ESTATE, "r1", AT), API: None, "fleet-1": Missing("unparsable", "it is torn"), "sip-1": KEPT}
    kept["fleet-2"] = replace(KEPT, estate="production")
    told = {one.host: one for one in changes_since(context(kept), look, {})}
    assert told[API].note == "no done is kept here: nothing to compare with"
    assert told["fleet-1"].note == "what was kept at done is not compared: it is torn"
    assert told["fleet-2"].note == "what was kept at done is another estate's: it is not compared"
    assert told["sip-1"].changes
    blind = replace(look, hosts={**look.hosts, API: Missing("unreachable", "x")})
    assert API not in [one.host for one in changes_since(context(kept), blind, {})]


def test_a_mistake_of_ours_costs_a_line(green: Case) -> None:
    broken = replace(green.of(API), jobs=3)  # type: ignore[arg-type]
    look = replace(green.evidence.second, hosts={**green.evidence.second.hosts, API: broken})
    told = {one.host: one.note for one in changes_since(context(kept_of(green.evidence.second, ESTATE, "r1", AT)), look, {})}
    assert told.pop(API).startswith("not compared: api-1: the gate itself failed here")
    assert told == dict.fromkeys([DATA, "fleet-1", "fleet-2", "sip-1"], "")


def candidates(green: Case, other: Case, packages: Packages | None = None, estate: Estate = ESTATE) -> dict[str, tuple[str, ...]]:
    rows = rows_of(other.of(API))
    told = explained(told_of(green, other), rows, estate, estate.host(API), packages or Packages(), {})
    return {one.name: one.why for one in told}


def test_a_package_explains_what_it_put_there_since_then(green: Case) -> None:
    other, path = with_boot(green), "/etc/systemd/system/agent.service"
    assert candidates(green, other) == {"agent.service": ()}
    said = candidates(green, other, Packages({path: "agent"}))
    assert said == {"agent.service": ("package agent, put there since then",)}
    assert candidates(green, other, Packages({"/etc/other": "agent"}, ("old",))) == {"agent.service": ()}
    gone = candidates(other, green, Packages(removed=("agent", "b", "c", "d", "e", "f")))
    assert gone == {"agent.service": ("packages removed since then: agent, b, c, d, e, and 1 more",)}
    rows = rows_of(other.of(API))
    assert path in files_of(told_of(green, other), rows)
    assert files_of([], rows) == []


def told_of(green: Case, other: Case) -> list[Difference]:
    return list(differences(prints_of(rows_of(green.of(API))), prints_of(rows_of(other.of(API)))))


@pytest.mark.parametrize(
    ("said", "explained_by_it"),
    [
        ("998:998 /var/lib/x /usr/sbin/nologin", True),
        ("998:998 /var/lib/x /bin/false audio", True),
        ("998:998 /var/lib/x /bin/bash", False),
        ("1001:1001 /home/x /usr/sbin/nologin", False),
        ("0:0 /root /usr/sbin/nologin", False),
        ("x /usr/sbin/nologin", False),
    ],
)
def test_an_account_as_packages_make_them_may_be_one_of_theirs(green: Case, said: str, explained_by_it: bool) -> None:  # noqa: FBT001
    before = green.fact(API, "sudo", accounts=(("root", "0:0 /root /bin/bash"),))
    now = green.fact(API, "sudo", accounts=(("root", "0:0 /root /bin/bash"), ("agent", said)))
    why = ("packages put there since then: agent",) if explained_by_it else ()
    assert candidates(before, now, Packages(anew=("agent",))) == {"agent": why}
    assert candidates(before, now) == {"agent": ()}


FINGERPRINT = f"SHA256:{'A' * 43}"


@pytest.mark.parametrize(
    ("change", "says", "why"),
    [
        (with_boot, {"boot": {"api": ("agent.service",)}}, "[boot] of the estate"),
        (with_boot, {"boot": {"sip": ("agent.service",)}}, ""),
        (with_file, {"units": {"all": (("/etc/systemd/system/voxbridge.service.d/x.conf", "0" * 64),)}}, "[units] of the estate"),
        (with_file, {"units": {"all": (("/etc/systemd/system/voxbridge.service.d/x.conf", "1" * 64),)}}, ""),
        (
            lambda g: g.host(API, jobs=(*known(g.of(API).jobs), JobFact("/etc/cron.d/x", "root", ("git",)))),
            {"jobs": "job"},
            "[jobs] of the estate",
        ),
        (
            lambda g: g.fact(API, "keys", keys=(*known(g.of(API).keys).keys, KeyFact("anna", "/home/anna/k", FINGERPRINT))),
            {"keys": {"all": (("anna", FINGERPRINT),)}},
            "[keys] of the estate",
        ),
        (
            lambda g: g.fact(API, "keys", keys=(*known(g.of(API).keys).keys, KeyFact("root", "/root/k", FINGERPRINT))),
            {"keys": {"all": (("anna", FINGERPRINT),)}},
            "",
        ),
        (
            lambda g: g.fact(API, "sudo", others=(SudoRule("root", "", "/bin/x", "anna"),)),
            {"sudo": {"api": (("anna", "/bin/x"),)}},
            "[sudo] of the estate",
        ),
        (
            lambda g: g.fact(API, "sudo", others=(SudoRule("root", "", ANY, "anna"),)),
            {"sudo": {"api": (("anna", "/bin/x"),)}},
            "",
        ),
    ],
    ids=["boot", "boot elsewhere", "unit", "another unit", "job", "key", "another's key", "sudo", "another sudo"],
)
def test_an_entry_of_the_estate_explains_what_it_covers(
    green: Case, change: Callable[[Case], Case], says: Mapping[str, Any], why: str
) -> None:
    words = {"jobs": {"all": (JobEntry("/etc/cron.d/x", ("git",)),)}} if says == {"jobs": "job"} else dict(says)
    (found,) = candidates(green, change(green), estate=replace(ESTATE, **words)).values()
    assert found == ((why,) if why else ())


def test_a_listener_is_explained_by_the_estate_or_its_own_service(green: Case) -> None:
    host = green.of(API)
    without = green.host(API, listeners=tuple(one for one in known(host.listeners) if one.port != 8080))
    (found,) = candidates(without, green).values()
    assert found == ("[listeners] of the estate, or a service's own",)
    assert candidates(green, with_listener(green)) == {"tcp 0.0.0.0:9000": ()}


def test_an_account_that_the_estate_names_is_explained_by_that(green: Case) -> None:
    rows = (("root", "0:0 /root /bin/bash"), ("anna", "1001:1001 /home/anna /bin/bash"))
    before, now = (green.fact(API, "sudo", accounts=rows[:number]) for number in (1, 2))
    said = replace(ESTATE, keys={"api": (("anna", FINGERPRINT),)})
    assert candidates(before, now, estate=said) == {"anna": ("the estate names it in [keys] or [sudo]",)}
    assert candidates(before, now) == {"anna": ()}


def test_a_program_of_a_package_s_unit_may_be_an_interpreter(green: Case) -> None:
    """Which is no package's that came since then."""
    before = green.process(API, "nginx.service", exe="/usr/bin/other")
    now = green.process(API, "nginx.service", exe="/usr/bin/python3.13")
    why = ("package nginx, put there since then",)
    assert candidates(before, now, Packages({"/usr/lib/systemd/system/nginx.service": "nginx"})) == {"nginx.service": why}


def test_a_unit_file_as_in_the_repository_is_explained_by_that(green: Case) -> None:
    unit = known(green.of(API).units)["voxbridge.service"]
    path = "/etc/systemd/system/voxbridge.service"
    before = green.unit(API, unit.name, files={path: "0" * 64})
    now = green.unit(API, unit.name, files={path: ESTATE.service("backend").unit_files["voxbridge.service"]})
    assert candidates(before, now) == {path: ("as in hosts/units",)}
    assert candidates(now, before) == {path: ()}


SITE = "/etc/nginx/sites-enabled/vox"


def with_files(green: Case, files: Mapping[str, str], **more: Any) -> Case:
    """A nginx that reads these files, changed as late as that."""
    return green.fact(API, "nginx", made_of=MadeOfFact(files), **more)


def keeping(**files: str) -> Estate:
    """The lab, with these files in hosts/proxies."""
    kept = tuple(KeptFile(path, sha, f"hosts/proxies{path.removeprefix('/etc')}") for path, sha in files.items())
    return replace(ESTATE, proxies={API: kept})


def test_a_proxy_s_file_as_in_the_repository_is_explained_by_that(green: Case) -> None:
    before, now = with_files(green, {SITE: "a" * 64}), with_files(green, {SITE: "b" * 64})
    assert candidates(before, now) == {SITE: ()}
    assert candidates(before, now, estate=keeping(**{SITE: "b" * 64})) == {SITE: ("as in hosts/proxies",)}
    assert candidates(before, now, estate=keeping(**{SITE: "a" * 64})) == {SITE: ()}


def test_where_all_files_are_as_in_the_repository_so_is_what_they_make(green: Case) -> None:
    """The time of the change, a site that is another one, one that is gone."""
    found = known(green.of(API).nginx)
    before = with_files(green, {SITE: "a" * 64})
    now = with_files(green, {SITE: "b" * 64}, sites=(), changed=found.changed + 60)
    kept = keeping(**{SITE: "b" * 64})
    said = candidates(before, now, estate=kept)
    assert len(said) > 2
    assert set(said.values()) == {("as in hosts/proxies",)}
    elsewhere = "/srv/more.conf"
    more = with_files(green, {SITE: "b" * 64, elsewhere: "c" * 64}, sites=(), changed=found.changed + 60)
    said = candidates(before, more, estate=kept)
    assert {name for name, why in said.items() if why} == {SITE}, "what lies elsewhere may have made the rest"
    another = with_files(green, {SITE: "b" * 64, "/etc/nginx/conf.d/x.conf": "c" * 64}, sites=(), changed=found.changed + 60)
    assert {name for name, why in candidates(before, another, estate=kept).items() if why} == {SITE}


def test_what_calls_itself_nginx_is_explained_by_no_file(green: Case) -> None:
    now = with_files(green, {SITE: "a" * 64}, doubts=("process 7 of nobody calls itself nginx, and runs as nobody",))
    said = candidates(with_files(green, {SITE: "a" * 64}), now, estate=keeping(**{SITE: "a" * 64}))
    assert said == {"doubts": ()}


def test_haproxy_s_file_is_explained_the_same_way(green: Case) -> None:
    config = "/etc/haproxy/haproxy.cfg"
    before, now = (green.fact(API, "haproxy", made_of=MadeOfFact({config: one * 64})) for one in "ab")
    assert candidates(before, now, estate=keeping(**{config: "b" * 64})) == {config: ("as in hosts/proxies",)}
    assert candidates(before, now) == {config: ()}
    more = "/etc/haproxy/conf.d/x.cfg"
    beside = green.fact(API, "haproxy", made_of=MadeOfFact({config: "b" * 64, more: "c" * 64}))
    said = candidates(before, beside, estate=keeping(**{config: "b" * 64}))
    assert said == {config: ("as in hosts/proxies",), more: ()}


def test_where_another_probe_looked_each_change_may_be_that(green: Case) -> None:
    said = candidates(green, with_boot(green).host(API, probe="0" * 64))
    assert set(said) == {"agent.service", "voxgate-probe"}
    assert all(why == ("another probe looked then: this one may see more",) for why in said.values())


def test_the_state_of_a_host_is_of_each_service_there() -> None:
    mine = placements_of(ESTATE, ESTATE.host(API))
    nothing = Written(None, None, None, None, held=False, ledger=(), git_locks=())
    services = {one.service.name: nothing for one in mine}
    said = State("b", writable=True, services=services, done=document_of(KEPT), others={DATA: document_of(KEPT), "db": "{"})
    found = found_of(said, mine).values()
    assert [one.done for one in found] == [KEPT, KEPT]
    assert [one.others[DATA] for one in found] == [KEPT, KEPT]
    torn = next(iter(found)).others["db"]
    assert isinstance(torn, Missing)
    assert torn.where == "api-1: /var/lib/voxgate/done-db.json"
