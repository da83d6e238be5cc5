"""Who works on a database: clients that are no diallers are named for what they are, and an entry allows what it names."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from voxgate.contracts.catalogue import read_catalogue
from voxgate.contracts.estates import FOLDER, load_estate
from voxgate.errors import EstateError
from voxgate.model.answers import DatabaseClient
from voxgate.model.clients import ClientWord
from voxgate.model.database import Database
from voxgate.model.evidence import ContainerFact, ProcessFact, SocketFact, UnitFact, known
from voxgate.model.invariant import expected
from voxgate.model.look import Look
from voxgate.plugin import without_pytest
from voxgate.survey.clients import wrong_clients
from voxgate.survey.findings import by_id, holder_of

from .conftest import Case

RULE = "database-sees-one-dialler"
ID = "database-sees-one-dialler[vox]"
EXPORTER = "mongodb_exporter.service"
DATA, API, SIP = "data", "api-1", "sip-1"
ADDRESS = {DATA: "127.0.0.1", API: "198.51.100.21", SIP: "198.51.100.41"}
LAB = (FOLDER / "lab.toml").read_text("utf-8")


def running(pid: int, unit: str, **parts: Any) -> ProcessFact:
    """A process that is a child of systemd's."""
    group = f"/system.slice/{unit}"
    row = ProcessFact(pid, 1, 999, "mongodb-exporter", 1.0, "x", ("x",), group, unit, "", "/usr/bin/x", "/", "S")
    return replace(row, **parts)


def unit(name: str, pid: int) -> UnitFact:
    """A unit with its main process, as systemd says."""
    return UnitFact(name, {"Id": name, "MainPID": str(pid), "ActiveState": "active", "SubState": "running"}, (), {})


def changed(case: Case, change: Callable[[Look], Look]) -> Case:
    """The same change of both looks."""
    evidence = case.evidence
    return replace(case, evidence=replace(evidence, first=change(evidence.first), second=change(evidence.second)))


def client(
    case: Case, name: str, host: str, *, user: str = "", process: ProcessFact | None = None, main: int | None = None
) -> Case:
    """One more client of the database, in both looks: a process of a host (``main`` is its unit's main process: itself), or,
    without one, whoever is at the address ``host``.
    """
    port = 50_000 + len(case.evidence.second.database("vox").clients)
    address = ADDRESS.get(host, host)

    def add(look: Look) -> Look:
        view = look.database("vox")
        found = replace(view, clients=(*view.clients, DatabaseClient(address, port, name, user)))
        look = replace(look, databases={**look.databases, "vox": found})
        if process is None:
            return look
        seen = look.host(host)
        units = dict(known(seen.units))
        if process.unit.endswith(".service"):
            units.setdefault(process.unit, unit(process.unit, process.pid if main is None else main))
        others = tuple(one for one in known(seen.processes) if one.pid != process.pid)
        socket = SocketFact(address, port, "198.51.100.11", 27017, (process.pid,))
        seen = replace(seen, units=units, processes=(*others, process), connections=(*known(seen.connections), socket))
        return replace(look, hosts={**look.hosts, host: seen})

    return changed(case, add)


def told(case: Case) -> tuple[str, str]:
    """What the rule says of the database's clients: found, and what to do."""
    for one in expected(read_catalogue(), case.estate, (), deploying=frozenset()):
        if one.id == ID:
            judged = without_pytest.judge(one, case.estate, case.evidence)
            assert judged is not None
            return judged.found, judged.advice
    raise AssertionError(ID)


def with_words(case: Case, **words: tuple[ClientWord, ...]) -> Case:
    """The same, on an estate with these entries."""
    return replace(case, estate=replace(case.estate, clients={key.replace("_", "-"): rows for key, rows in words.items()}))


@pytest.fixture
def ordinary(green: Case) -> Case:
    """An exporter, a backup by cron, an admin's shell, a container of a tool, and two people's tools on their own machines."""
    case = client(green, "", DATA, process=running(9001, EXPORTER))
    dump = running(9002, "cron.service", user="root", uid=0, ppid=51, exe="/usr/bin/mongodump", command="mongodump")
    case = client(case, "mongodump", DATA, process=dump, main=51)
    shell = running(9003, "session-4.scope", user="alice", ppid=437, exe="/usr/bin/mongosh", command="mongosh")
    case = client(case, "mongosh 2.3.1", API, process=shell, user="alice")
    case = client(case, "MongoDB Compass", "203.0.113.9", user="alice")
    case = client(case, "etl", "203.0.113.77")
    return client(case, "", "203.0.113.78")


def test_clients_that_nobody_knows_are_all_named_and_none_is_called_a_dialler(ordinary: Case) -> None:
    found, advice = told(ordinary)
    for name in ("mongodump", "mongosh 2.3.1", "MongoDB Compass", "etl", "a client without a name"):
        assert name in found
    for what in ("mongodb_exporter.service on data", "(mongodump) of root", "(mongosh) of alice", "user alice", "203.0.113.77"):
        assert what in found
    assert "dial" not in advice
    assert "stop it" not in advice
    assert set(ordinary.judge([RULE])) == {ID}


def test_the_lines_that_it_says_allow_them(ordinary: Case, tmp_path: Path) -> None:
    """The hint is to be pasted."""
    _, advice = told(ordinary)
    rows = advice.partition("add to [clients] in hosts/lab.toml: ")[2].replace("], ", "]\n")
    shutil.copy(FOLDER / "services.toml", tmp_path)
    (tmp_path / "lab.toml").write_text(f"{LAB}\n[clients]\n{rows}\n", "utf-8")
    estate = load_estate("lab", tmp_path)
    assert set(estate.clients) == {DATA, API, "203.0.113.9", "203.0.113.77", "203.0.113.78"}
    assert replace(ordinary, estate=replace(estate, keys=ordinary.estate.keys)).judge([RULE]) == {}


WORDS = {
    DATA: (ClientWord(unit="mongodb_exp*.service"), ClientWord(account="root", program="/usr/bin/mongodump", name="mongodump")),
    "api_1": (ClientWord(account="alice", program="/usr/bin/mongosh", name="mongosh *", user="alice"),),
    "203.0.113.9": (ClientWord(name="MongoDB Compass"),),
    "203.0.113.0/24": (ClientWord(name="etl"), ClientWord(name="")),
}


def test_an_entry_allows_its_client(ordinary: Case) -> None:
    assert with_words(ordinary, **WORDS).judge([RULE]) == {}


def alices(program: str, **parts: Any) -> ProcessFact:
    """A process of alice's, in no unit."""
    return running(9100, "", user="alice", exe=program, **parts)


FAULTS: dict[str, tuple[Callable[[Case], Case], bool]] = {
    "the dialler's name in an allowed unit": (
        lambda g: client(g, "vox-dialler", DATA, process=running(9100, EXPORTER), main=9100), True,
    ),
    "the gate's name in an allowed unit": (lambda g: client(g, "voxgate-00", DATA, process=running(9100, EXPORTER)), True),
    "the backend's name in an allowed unit": (lambda g: client(g, "vox-backend", DATA, process=running(9100, EXPORTER)), False),
    "the dialler's code in an allowed unit": (
        lambda g: client(g, "", DATA, process=running(9100, EXPORTER, runs=("/opt/vox-dialler",))), True,
    ),
    "put into an allowed unit's cgroup": (lambda g: client(g, "", DATA, process=running(9100, EXPORTER), main=9001), False),
    "an allowed unit on another host": (lambda g: client(g, "", API, process=running(9100, EXPORTER)), False),
    "an allowed account by another program": (
        lambda g: client(g, "mongosh 2", API, process=alices("/usr/bin/python3"), user="alice"), False,
    ),
    "an allowed program of another account": (
        lambda g: client(g, "mongosh 2", API, process=running(9100, "", user="bob", exe="/usr/bin/mongosh"), user="alice"), False,
    ),
    "an allowed program in a container": (
        lambda g: client(
            g, "mongosh 2", API,
            process=alices("/usr/bin/mongosh", container="f" * 64), user="alice",
        ), False,
    ),
    "an allowed program as another user of the database": (
        lambda g: client(g, "mongosh 2", API, process=alices("/usr/bin/mongosh"), user="root"), False,
    ),
    "another name at an allowed address": (lambda g: client(g, "x", "203.0.113.9"), False),
    "the dialler's name at an allowed address": (lambda g: client(g, "vox-dialler", "203.0.113.9"), True),
    "an allowed name at another address": (lambda g: client(g, "etl", "203.0.114.1"), False),
    "an allowed name at a host's address, by nobody's process": (lambda g: client(g, "etl", "198.51.100.31"), False),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_beside_the_entries_a_fault_is_seen(ordinary: Case, name: str) -> None:
    change, dialler = FAULTS[name]
    case = with_words(change(ordinary), **WORDS)
    assert set(case.judge([RULE])) == {ID}
    assert ("two diallers" in told(case)[1]) is dialler


def test_a_unit_is_allowed_whose_sockets_another_has_open_too_only_if_both_are(ordinary: Case) -> None:
    def shared(look: Look) -> Look:
        seen = look.host(DATA)
        rows = tuple(replace(one, pids=(*one.pids, 9200)) if 9001 in one.pids else one for one in known(seen.connections))
        other = running(9200, "", user="deploy", exe="/usr/bin/python3")
        return replace(
            look, hosts={**look.hosts, DATA: replace(seen, connections=rows, processes=(*known(seen.processes), other))}
        )

    assert set(changed(with_words(ordinary, **WORDS), shared).judge([RULE])) == {ID}


def test_an_image_is_allowed_as_a_unit_is(green: Case) -> None:
    boxed = running(9300, "docker-x.scope", container="a" * 64, exe="/mongodb_exporter")
    case = client(green, "", SIP, process=boxed)
    box = ContainerFact("docker", "a" * 64, "exporter", "percona/mongodb_exporter:0.40", "running", "Up", "")
    engines = known(case.of(SIP).engines)
    case = case.host(SIP, engines=replace(engines, containers=(*engines.containers, box)))
    assert 'sip-1 = [{ unit = "percona/mongodb_exporter" }]' in told(case)[1]
    assert with_words(case, sip=(ClientWord(unit="percona/mongodb_exporter"),)).judge([RULE]) == {}


def test_no_entry_is_offered_for_a_program_that_is_none_of_the_hosts(green: Case) -> None:
    """By a path that its account alone sees, whatever lies there."""
    shell = running(9003, "session-4.scope", user="alice", ppid=437, exe="elsewhere:/usr/bin/mongosh", command="mongosh")
    found, advice = told(client(green, "mongosh", DATA, process=shell))
    assert "process 9003 (mongosh) of alice" in found
    assert advice == "find out what that is, and end it: on data: `kill 9003`"


class Counted(tuple[DatabaseClient, ...]):
    """Clients that count how often all of them are gone through."""

    __slots__ = ()
    times = 0

    def __iter__(self) -> Iterator[DatabaseClient]:
        Counted.times += 1
        return super().__iter__()


def test_no_number_of_clients_is_compared_each_with_each(green: Case) -> None:
    """A host's root says how many clients its database has, and how many connections its processes."""
    counts = []
    for many in (3, 30):
        case = asked_beside(green, "voxgate-b")
        for number in range(many):
            case = client(case, "x", SIP, process=running(9500 + number, f"x{number}.service"))

        def count(look: Look) -> Look:
            view = look.database("vox")
            view = replace(view, clients=Counted(view.clients))
            return replace(look, databases={"vox": view, "other": view})

        Counted.times = 0
        case = changed(case, count)
        wrong_clients(case.estate.databases[0], case.estate, case.evidence)
        counts.append(Counted.times)
    assert counts[0] == counts[1] > 0


def test_no_number_of_strangers_holds_the_judging_up(green: Case) -> None:
    """Whoever reaches the server connects as often as he likes, by another name each time."""

    def connect(look: Look) -> Look:
        view = look.database("vox")
        strangers = tuple(DatabaseClient("203.0.113.9", 1024 + number, f"tool-{number}", "") for number in range(20_000))
        return replace(look, databases={**look.databases, "vox": replace(view, clients=(*view.clients, *strangers))})

    (verdict, found) = changed(green, connect).judge([RULE])[ID]
    assert verdict == "violated"
    assert "tool-0 at 203.0.113.9" in found


class Addresses(tuple[str, ...]):
    """Addresses that count how often one is looked for among them."""

    __slots__ = ()
    times = 0

    def __contains__(self, address: object) -> bool:
        Addresses.times += 1
        return super().__contains__(address)


def test_no_number_of_addresses_is_gone_through_for_each_stranger(green: Case) -> None:
    """The root of the host that the server is on says how many of both there are."""

    def connect(look: Look) -> Look:
        view, host = look.database("vox"), look.host(DATA)
        strangers = tuple(DatabaseClient("203.0.113.9", 1024 + number, f"tool-{number}", "") for number in range(100))
        own = Addresses((*known(host.addresses), "203.0.113.77"))
        return replace(
            look, hosts={**look.hosts, DATA: replace(host, addresses=own)},
            databases={**look.databases, "vox": replace(view, clients=(*view.clients, *strangers))},
        )  # fmt: skip

    Addresses.times = 0
    (verdict, found) = changed(green, connect).judge([RULE])[ID]
    assert verdict == "violated"
    assert "tool-0 at 203.0.113.9" in found
    assert Addresses.times == 0


def test_no_number_of_containers_is_gone_through_for_each_process() -> None:
    boxes = by_id(
        ContainerFact("docker", f"{number:012x}".ljust(64, "0"), "x", f"evil/a{number}:1", "running", "", "", None)
        for number in range(100_000)
    )
    process = running(7, "docker.service")
    found = {holder_of(replace(process, container=f"{number:012x}".ljust(64, "0")), boxes) for number in range(100_000)}
    assert len(found) == 100_000
    assert "evil/a7" in found
    assert holder_of(replace(process, container="f" * 64), boxes) == "container ffffffffffff"


@pytest.mark.parametrize("address", ["203.0.113.9", ADDRESS[SIP], ADDRESS[DATA]])
@pytest.mark.parametrize("names", [("report-1", "report-2"), ("", "report"), ("report", ""), ("vox-agents", "report")])
def test_who_changes_its_name_between_the_looks_is_seen(green: Case, address: str, names: tuple[str, str]) -> None:
    """By its address it is known, not by its name: also on a host, where no process that can be seen has its end open, as while
    it is handed from one to the next.
    """
    first, second = (client(green, name, address).evidence for name in names)
    case = replace(green, evidence=replace(green.evidence, first=first.first, second=second.second))
    assert set(case.judge([RULE])) == {ID}
    assert replace(case, evidence=replace(case.evidence, first=green.evidence.first)).judge([RULE]) == {}


@pytest.mark.parametrize("host", [SIP, DATA])
@pytest.mark.parametrize("name", ["tool", "vox-dialler"])
def test_who_hides_only_from_the_second_look_is_seen(green: Case, host: str, name: str) -> None:
    """A process had it open in the first, and none in the second: an account sees when a look begins. What may be there in the
    first, and is just ending in the second, is none.
    """
    tool = running(9999, "", user="joe", uid=4711, cgroup="/user.slice", command="tool", exe="/srv/tool", argv=("tool",))
    seen, hidden = client(green, name, host, process=tool).evidence, client(green, name, ADDRESS[host]).evidence
    case = replace(green, evidence=replace(green.evidence, first=seen.first, second=hidden.second))
    assert set(case.judge([RULE])) == {ID}
    allowed = {host: (ClientWord(program="/srv/tool", account="joe", name=name),)}
    mine = replace(case, estate=replace(case.estate, clients=allowed))
    assert set(mine.judge([RULE])) == (set() if name == "tool" else {ID})


SECOND = Database("other", "sip-2", "mongodb://127.0.0.1:27017/other", via=DATA)


def asked_beside(
    case: Case,
    name: str,
    address: str = "127.0.0.1",
    *,
    command: str = "sshd",
    host: str = DATA,
    exe: str | None = "/usr/sbin/sshd",
    user: str = "root",
) -> Case:
    """The database sees another question to a database of its server, out of a process of a host."""
    process = running(9400, "ssh.service", user=user, command=command, exe=exe)
    case = client(case, name, host, process=process) if address == "127.0.0.1" else client(case, name, address)

    def add(look: Look) -> Look:
        return replace(look, databases={"vox": replace(look.database("vox"), beside=("voxgate-b",))})

    estate = replace(case.estate, databases=(*case.estate.databases, replace(SECOND, dialler=SIP)))
    return changed(replace(case, estate=estate), add)


def test_the_gates_question_to_another_database_of_the_server_is_the_gates(green: Case) -> None:
    for exe in ("/usr/sbin/sshd", "/usr/lib/openssh/sshd-session", "/usr/sbin/sshd (deleted)", None):
        assert ID not in asked_beside(green, "voxgate-b", exe=exe).judge([RULE])
    assert ID not in asked_beside(green, "voxgate-b", user="deploy").judge([RULE])


def test_a_port_that_leads_elsewhere_too_is_the_client_s(green: Case) -> None:
    """The kernel gives one local port to two connections that lead to different places."""

    def twice(look: Look) -> Look:
        hosts = dict(look.hosts)
        for name in (API, SIP):
            seen = look.host(name)
            stranger = running(9300, "relay.service", command="relay")
            connections = known(seen.connections)
            others = [replace(one, remote_address="198.51.100.31", remote_port=9101, pids=(9300,)) for one in connections]
            processes = (*known(seen.processes), stranger)
            hosts[name] = replace(seen, processes=processes, connections=(*others, *connections))
        return replace(look, hosts=hosts)

    assert changed(green, twice).judge([RULE]) == {}


def test_a_question_that_is_over_is_not_whoever_has_its_port_on_another_host(green: Case) -> None:
    """Each host has a loopback address, and gives its ports to whatever it likes."""

    def coincides(look: Look) -> Look:
        view = look.database("vox")
        (port, *_) = (one.port for one in view.clients if one.app_name == view.asker)
        data, api = look.host("data"), look.host(API)
        over = tuple(one for one in known(data.connections) if one.port != port)
        check = replace(known(api.connections)[0], address="127.0.0.1", port=port, remote_address="127.0.0.1", remote_port=8088)
        check = replace(check, pids=(9300,))
        balancer = running(9300, "haproxy.service", command="haproxy")
        api = replace(api, processes=(*known(api.processes), balancer), connections=(*known(api.connections), check))
        return replace(look, hosts={**look.hosts, "data": replace(data, connections=over), API: api})

    assert changed(green, coincides).judge([RULE]) == {}


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "198.51.100.11"])
def test_the_gates_question_that_is_over_is_the_gates(green: Case, address: str) -> None:
    """It ended before the look at the host came to it. The URI may name the server by an address of the host's own."""

    def unheld(look: Look) -> Look:
        view = look.database("vox")
        left = tuple(one for one in view.clients if one.app_name != view.asker)
        asker = DatabaseClient(address, 61_234, view.asker, "")
        return replace(look, databases={"vox": replace(view, clients=(*left, asker))})

    assert ID not in changed(green, unheld).judge([RULE])


def test_the_gates_question_from_another_host_is_not(green: Case) -> None:
    asker = green.evidence.second.database("vox").asker
    assert ID in client(green, asker, ADDRESS[SIP]).judge([RULE])


@pytest.mark.parametrize(
    "case",
    [
        lambda g: asked_beside(g, "voxgate-c"),
        lambda g: asked_beside(g, "voxgate-b", command="python3"),
        lambda g: asked_beside(g, "voxgate-b", exe="/usr/bin/python3.11"),
        lambda g: asked_beside(g, "voxgate-b", exe="elsewhere:/usr/sbin/sshd"),
        lambda g: asked_beside(g, "voxgate-b", exe="/home/x/sshd"),
        lambda g: asked_beside(g, "voxgate-b", user="vox"),
        lambda g: asked_beside(g, "voxgate-b", host=API),
        lambda g: asked_beside(g, "voxgate-b", "203.0.113.9"),
    ],
    ids=[
        "another name",
        "another program",
        "sshd by its name alone",
        "at a path of its own",
        "in a home",
        "sshd's program run by another account",
        "on a host that is not asked through",
        "from outside",
    ],
)
def test_who_only_calls_itself_so_is_not(green: Case, case: Callable[[Case], Case]) -> None:
    assert ID in case(green).judge([RULE])


GATEWAY = "203.0.113.5"


def translated(case: Case, *more: str, both: bool = True) -> Case:
    """The same where the server is outside and a gateway translates the hosts' addresses; ``more`` clients come by it as well."""

    def change(look: Look, names: tuple[str, ...]) -> Look:
        view = look.database("vox")
        own = [one for one in view.clients if not one.app_name.startswith("voxgate")]
        rows = [replace(one, address=GATEWAY, port=one.port + 7) for one in own]
        rows += [DatabaseClient(GATEWAY, 60_000 + number, name, "") for number, name in enumerate(names)]
        hosts = {}
        for name in look.hosts:
            seen = look.host(name)
            sockets = tuple(
                replace(one, remote_address="198.18.0.9") if one.remote_port == 27017 else one for one in known(seen.connections)
            )
            hosts[name] = replace(seen, connections=sockets)
        return replace(look, hosts=hosts, databases={"vox": replace(view, clients=tuple(rows))})

    (database,) = case.estate.databases
    estate = replace(case.estate, databases=(replace(database, via=None, seen_as=(GATEWAY,)),))
    first = change(case.evidence.first, more if both else ())
    return replace(case, estate=estate, evidence=replace(case.evidence, first=first, second=change(case.evidence.second, more)))


def test_behind_a_gateway_clients_are_counted(green: Case) -> None:
    assert translated(green).judge([RULE]) == {}
    assert translated(green, "vox-dialler", both=False).judge([RULE]) == {}  # the pool has grown since: said in one look only


@pytest.mark.parametrize(
    ("name", "dialler"), [("vox-dialler", True), ("vox-backend", False), ("mongosh", False), ("voxgate-00", True), ("", False)]
)
def test_behind_a_gateway_one_more_is_seen(green: Case, name: str, *, dialler: bool) -> None:
    case = translated(green, name)
    assert set(case.judge([RULE])) == {ID}
    assert ("two diallers" in told(case)[1]) is dialler


@pytest.mark.parametrize(
    ("before", "now"), [("vox-backend", "vox-dialler"), ("vox-backend", "mongosh"), ("mongosh", "vox-dialler")]
)
def test_behind_a_gateway_who_changes_its_name_between_the_looks_is_seen(green: Case, before: str, now: str) -> None:
    """Of a service there is one too many each time, or somebody nobody knows. Who may be there makes none."""
    case = translated(green, now)
    case = replace(case, evidence=replace(case.evidence, first=translated(green, before).evidence.first))
    assert set(case.judge([RULE])) == {ID}
    known_one = with_words(case, **{GATEWAY: (ClientWord(name="mongosh"),)})
    assert set(known_one.judge([RULE])) == ({ID} if "mongosh" not in {before, now} else set())


def test_behind_a_gateway_an_entry_allows_what_is_no_service(green: Case) -> None:
    words = {GATEWAY: (ClientWord(name="mongosh*"),)}
    assert with_words(translated(green, "mongosh 2"), **words).judge([RULE]) == {}
    assert set(with_words(translated(green, "mongosh 2", "vox-dialler"), **words).judge([RULE])) == {ID}


@pytest.mark.parametrize("address", ["198.51.100.11", "127.0.0.1", "203.0.113.0/24", "x"])
def test_a_gateway_s_address_is_no_host_s(tmp_path: Path, address: str) -> None:
    shutil.copy(FOLDER / "services.toml", tmp_path)
    text = LAB.replace('via = "data"\n', f'seen_as = ["{address}"]\n', 1)
    (tmp_path / "lab.toml").write_text(text, "utf-8")
    with pytest.raises(EstateError) as caught:
        load_estate("lab", tmp_path)
    assert "databases.vox" in caught.value.line


MISTAKES = {
    "of no place": ('prd = [{ unit = "x.service" }]', "no role, no host and no address"),
    "by its own word": ('data = [{ name = "mongosh" }]', "without unit and account"),
    "by a program alone": ('data = [{ program = "/usr/bin/mongosh" }]', "without unit and account"),
    "as the dialler": ('data = [{ account = "root", name = "vox-dial*" }]', "is how vox-dialler calls itself"),
    "an address by a unit": ('"203.0.113.9" = [{ unit = "x.service" }]', "name or user here"),
    "everybody": ('"0.0.0.0/0" = [{ name = "etl" }]', "too large a network"),
    "a host's address": ('"198.51.100.0/24" = [{ name = "etl" }]', "is an address of data"),
    "loopback": ('"127.0.0.1" = [{ name = "etl" }]', "is an address of every host"),
    "a network that is none": ('"10.0.0.1/24" = [{ name = "etl" }]', "no role, no host and no address"),
    "nothing": ("data = [{}]", ""),
    "any unit": ('data = [{ unit = "*.service" }]', ""),
    "any name": ('data = [{ unit = "x.service", name = "*" }]', ""),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_an_entry_that_allows_too_much_is_refused(tmp_path: Path, mistake: str) -> None:
    line, said = MISTAKES[mistake]
    shutil.copy(FOLDER / "services.toml", tmp_path)
    (tmp_path / "lab.toml").write_text(f"{LAB}\n[clients]\n{line}\n", "utf-8")
    with pytest.raises(EstateError) as caught:
        load_estate("lab", tmp_path)
    assert said in caught.value.line
    assert "clients" in caught.value.line
