"""``voxgate draft``: what is unknown on hosts becomes entries, and an estate with them holds."""

from __future__ import annotations

import io
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.unit.suites.conftest import SAVED, Case
from voxgate.cli.draft import draft, drafted, said_once, tell_left, without_secrets
from voxgate.cli.main import main
from voxgate.contracts import estate_file
from voxgate.contracts.estates import load_estate
from voxgate.errors import EstateError
from voxgate.model.entry import Entry, is_plain
from voxgate.model.evidence import ContainerFact, MadeFact, SocketFact, UnitFact, known
from voxgate.model.surroundings import BootFact, CopiesFact, CopyFact, JobFact, KeyFact, MemoryFact, StarterFact, SudoRule
from voxgate.model.waiver import Waiver
from voxgate.redaction.cutting import Redactor
from voxgate.report.terminal.stream import CutStream
from voxgate.survey.origin import origin_of

HOSTS = ("data", "api-1", "fleet-1", "fleet-2", "sip-1")
LAB = """\
# the lab
[estate]
name = "lab"   # as the file

[boot] # what may start
all = ["lab-network.service"]
sip = [] # nothing

[listeners]
api = { "nginx.service" = [80] }
"""


def with_agents(case: Case, *hosts: str) -> Case:
    """An agent by hand on these hosts, that starts at boot and listens."""
    for name in hosts:
        host = case.of(name)
        boot = known(host.boot)
        assert isinstance(boot, BootFact)
        unit = StarterFact("agent.service", "/by", at_boot=True, foreign=("/etc/systemd/system/agent.service",))
        rows = known(host.processes)
        case = case.host(
            name,
            boot=replace(boot, services={**boot.services, "agent.service": unit}),
            processes=(*rows, replace(rows[0], pid=40_000, unit="agent.service", container="")),
            listeners=(*known(host.listeners), SocketFact("10.0.0.1", 9100, None, None, (40_000,))),
        )
    return case


def cut(stream: io.StringIO) -> CutStream:
    return CutStream(stream, Redactor.of({}))


@pytest.mark.parametrize(
    ("hosts", "places"),
    [
        (("sip-1",), {"sip-1"}),
        (("fleet-1", "fleet-2"), {"fleet"}),
        (("fleet-1", "fleet-2", "sip-1"), {"fleet", "sip-1"}),
        (HOSTS, {"all"}),
    ],
)
def test_an_estate_with_what_was_drafted_holds(green: Case, tmp_path: Path, hosts: tuple[str, ...], places: set[str]) -> None:
    """And before, it did not. What each host of a role has is said once."""
    case = with_agents(green, *hosts)
    assert case.judge()
    found = drafted(case.estate, case.evidence)
    assert found.left == ()
    assert {one.place for one in found.entries} == {(word, place) for word in ("boot", "listeners") for place in places}
    text = Path(case.estate.source).read_text("utf-8")
    path = tmp_path / "lab.toml"
    path.write_text(text)
    estate_file.replace(path, estate_file.with_entries(text, found.entries, "lab.toml"))
    assert replace(case, estate=replace(load_estate(str(path)), keys=case.estate.keys)).judge() == {}


def test_what_no_entry_is_for_is_told(green: Case) -> None:
    """The same said of several is one line, and the exit status says that something is left."""
    case = green.unit("fleet-1", "voxcore@1.service", properties={"ActiveState": "failed"})
    found = drafted(case.estate, case.evidence)
    assert found.entries == ()
    assert {one.invariant for one in found.left} >= {"unit-is-active"}


def test_a_comment_says_whose_a_thing_is_and_since_when(green: Case) -> None:
    """As far as the look tells: the package or none of a unit, the day of a file, the unit and the start of a program. Where it
    does not tell, nothing is said.
    """
    case = with_agents(green, "sip-1")
    host, moment = case.of("sip-1"), 1_764_288_000.0  # 2025-11-28
    unit = UnitFact("agent.service", {"LoadState": "loaded"}, (), {"/etc/systemd/system/agent.service": "0" * 64}, moment)
    keys = known(host.keys)
    case = case.host(
        "sip-1",
        units={**known(host.units), "agent.service": unit},
        keys=replace(
            keys, keys=(*keys.keys, KeyFact("anna", "/home/anna/k", "SHA256:x", moment), KeyFact("root", "/k", "SHA256:y"))
        ),
        jobs=(JobFact("/etc/cron.d/a", "root", ("rsync",), moment),),
    )

    def told(case: Case) -> dict[str, str]:
        return {f"{'.'.join(one.place)} {one.line}": one.origin for one in drafted(case.estate, case.evidence).entries}

    since = "since 2025-11-28"
    assert told(case) == {
        'boot.sip-1 sip-1 = ["agent.service"]': f"{since}; boot-starts-only-what-is-known",
        'listeners.sip-1 sip-1 = { "agent.service" = [9100] }': f"{since}; only-expected-listeners",
        'keys.sip-1 sip-1 = { anna = ["SHA256:x"] }': "/home/anna/k, since 2025-11-28; keys-are-known",
        'keys.sip-1 sip-1 = { root = ["SHA256:y"] }': "/k; keys-are-known",
        'jobs.sip-1 sip-1 = ["/etc/cron.d/a: rsync"]': "since 2025-11-28; one-copy-only",
    }
    packaged = replace(unit, vouched=tuple(unit.files), package="datadog-agent")
    case = case.host("sip-1", units={**known(case.of("sip-1").units), "agent.service": packaged})
    assert any(said.startswith("package datadog-agent, since 2025-11-28; only") for said in told(case).values())


@pytest.mark.parametrize(
    ("unit", "container", "drafted_as"), [("a.service", "", ("a.service",)), ("", "", ()), ("a.service", "f" * 64, ())]
)
def test_node_is_drafted_by_the_unit_that_runs_it(green: Case, unit: str, container: str, drafted_as: tuple[str, ...]) -> None:
    rows = known(green.of("sip-1").processes)
    parts: dict[str, Any] = {"pid": 40_000, "command": "node", "argv": ("node", "x.js"), "unit": unit, "container": container}
    case = green.host("sip-1", processes=(*rows, replace(rows[0], **parts)))
    entries = {one.place: one.value for one in drafted(case.estate, case.evidence).entries}
    assert entries.get(("programs", "sip-1"), ()) == drafted_as


def test_what_every_program_loads_first_is_drafted_as_an_agents(green: Case) -> None:
    case = green.of_service("sip-1", "runtimes", "dialler", preload=True, preloads=("/opt/agent/lib64/libagent.so",))
    assert [(one.place, one.value) for one in drafted(case.estate, case.evidence).entries] == [
        (("preload", "sip-1"), ("/opt/agent/lib64/libagent.so",))
    ]


def test_a_rule_of_sudo_and_a_container_say_since_when_too(green: Case) -> None:
    """By the file that sudo names, and by what runs in it."""
    host, moment = green.of("sip-1"), 1_764_288_000.0  # 2025-11-28
    rule = SudoRule("ALL", "", "ALL", "ansible", (), "/etc/sudoers.d/ansible", moment)
    engines, rows = known(host.engines), known(host.processes)
    made = MadeFact(("sha256:1",), ("/agent",), ("/agent",), (), (), as_image=True)
    box = ContainerFact("docker", "f" * 64, "agent-1", "example/agent:7", "running", "Up", "agents", made)
    inside = replace(rows[0], pid=40_000, unit="", container="f" * 64, started=moment)
    case = green.host(
        "sip-1",
        sudo=replace(known(host.sudo), others=(rule,)),
        engines=replace(engines, containers=(*engines.containers, box)),
        processes=(*rows, inside),
    )
    told = {one.place: one.origin for one in drafted(case.estate, case.evidence).entries}
    assert told == {
        ("sudo", "sip-1"): "/etc/sudoers.d/ansible, since 2025-11-28; sudo-is-minimal",
        ("agents", "sip-1"): "runs since 2025-11-28, by docker compose; only-livekit-in-containers",
    }
    assert origin_of(Entry(("listeners", "sip-1"), {"example/agent": (9,)}), case.of("sip-1")) == (
        "runs since 2025-11-28, by docker compose"
    ), "what listens in a container too"


def test_what_updates_containers_by_itself_and_pm2_get_no_entry(green: Case) -> None:
    """They are against the owner's rules, whatever they are called on that host: they must be mended."""
    engines = known(green.of("sip-1").engines)
    made = MadeFact(
        ("sha256:1",), ("/watchtower",), ("/watchtower",), ("/var/run/docker.sock:/var/run/docker.sock",), (), as_image=True
    )
    box = ContainerFact("docker", "f" * 64, "w-1", "ghcr.io/containrrr/watchtower:1.7", "running", "Up", "tools", made)
    rows = known(green.of("api-1").processes)
    pm2 = replace(rows[0], pid=40_000, unit="pm2-root.service", command="PM2 v5.4: God", exe="/usr/bin/node", container="")
    case = green.host("sip-1", engines=replace(engines, containers=(*engines.containers, box))).host(
        "api-1", processes=(*rows, pm2)
    )
    found = drafted(case.estate, case.evidence)
    assert found.entries == ()
    assert {one.id for one in found.left} == {"only-livekit-in-containers[sip-1]", "no-node-runs[api-1]"}


def test_what_stands_beside_an_entry_and_has_none_is_told_too(green: Case) -> None:
    """Of one rule on one host: a job, for which there is a word, and a second checkout, for which there is none."""
    copies = CopiesFact(1, (CopyFact("/srv/a", "checkout", ("vox-dialler",), ()),))
    case = green.host("sip-1", jobs=(JobFact("/etc/cron.d/a", "root", ("git",)),), copies=copies)
    found = drafted(case.estate, case.evidence)
    assert [one.value for one in found.entries] == [("/etc/cron.d/a: git",)]
    assert [(one.id, one.found) for one in found.left] == [
        ("one-copy-only[sip-1]", "sip-1: /srv/a is another copy (checkout) of vox-dialler")
    ]


def test_what_is_waived_needs_no_word(green: Case) -> None:
    fact = StarterFact("agent.service", "/by", at_boot=True, foreign=("/etc/systemd/system/agent.service",))
    boot = known(green.of("sip-1").boot)
    case = green.fact("sip-1", "boot", services={**boot.services, "agent.service": fact})
    (key, (_, found)) = next(iter(case.judge(["boot-starts-only-what-is-known"]).items()))
    assert drafted(case.estate, case.evidence).entries
    waiver = Waiver(key.partition("[")[0], "sip-1", found, "it goes", "ops", case.evidence.second.day)
    waived = drafted(replace(case.estate, waived=(waiver,)), case.evidence)
    assert (waived.entries, waived.left) == ((), ())


def test_what_may_wait_is_written_as_a_waiver_but_for_who_and_why(green: Case, tmp_path: Path) -> None:
    """Pasted, with both, it is waived; without, it is refused. What may not wait has none."""
    room = known(green.of("fleet-1").room)
    full = tuple(replace(disk, free=0) for disk in room.disks if disk.ours)[:1]
    stopped = {"ActiveState": "failed", "SubState": "failed"}
    case = green.fact("fleet-1", "room", disks=full, memory=MemoryFact(1, 0)).unit(
        "sip-1", "voxdialler.service", properties=stopped
    )
    found = drafted(case.estate, case.evidence)
    assert {one.invariant for one in found.left} >= {"host-has-room", "unit-is-active"}
    assert [(one.rule, one.subject) for one in found.waivers] == [("host-has-room", "fleet-1")] * 2
    said = io.StringIO()
    tell_left(found, cut(said))
    pasted = said.getvalue().partition("your name:\n")[2]
    path = tmp_path / "lab.toml"
    text = Path(case.estate.source).read_text("utf-8")
    path.write_text(text + pasted)
    with pytest.raises(EstateError, match=r"\[waived\.\d\.(by|reason)\]: is empty"):
        load_estate(str(path), today=case.evidence.second.day)
    path.write_text(text + pasted.replace('reason = ""', 'reason = "a disk is ordered"').replace('by = ""', 'by = "ops"'))
    waived = load_estate(str(path), today=case.evidence.second.day).waived
    judged = replace(case, estate=replace(case.estate, waived=waived)).judge(["host-has-room"])
    assert {key: verdict for key, (verdict, _) in judged.items()} == {"host-has-room[fleet-1]": "waived"}


def test_what_is_found_is_no_waiver_of_more_than_it_is(green: Case) -> None:
    """Whoever runs a program has named it."""
    rows = known(green.of("api-1").processes)
    odd = replace(rows[0], pid=40_000, unit="", command="x", container="", exe="/srv/*", user="joe")
    found = drafted(green.estate, green.host("api-1", processes=(*rows, odd)).evidence)
    assert {one.invariant for one in found.left} == {"no-node-runs"}
    assert found.waivers == ()


def test_a_day_that_no_calendar_has_stops_no_draft(green: Case) -> None:
    """As root of one host may have it say."""
    case = with_agents(green, "sip-1")
    unit = UnitFact("agent.service", {"LoadState": "loaded"}, (), {"/etc/systemd/system/agent.service": "0" * 64}, 1e20)
    case = case.host("sip-1", units={**known(case.of("sip-1").units), "agent.service": unit})
    assert any("since 1e+20" in one.origin for one in drafted(case.estate, case.evidence).entries)


def test_a_saved_look_is_drafted(green: Case, tmp_path: Path) -> None:
    """The command, over the lab's saved look: nothing is unknown, and nothing is written."""
    out, say = io.StringIO(), io.StringIO()
    status = draft(green.estate, SAVED, write=False, out=cut(out), say=cut(say), redactor=Redactor.of({}))
    assert (status, out.getvalue(), say.getvalue()) == (0, "", "nothing is unknown that hosts/lab.toml could say\n")
    assert main(["draft", "--estate", "lab", "--evidence", str(tmp_path)]) == 1


def test_entries_are_written_beside_what_stands_there() -> None:
    entries = [
        Entry(("boot", "all"), ("a.service",), "a.service starts\nat boot"),
        Entry(("boot", "sip"), ("b.service",), "x" * 300, "a-rule"),
        Entry(("listeners", "api"), {"nginx.service": (80, 443), "c.service": ("udp:1",)}),
        Entry(("listeners", "sip-1"), {"c.service": ("udp:1",)}, "c listens"),
        Entry(("sudo", "all", "%ops"), ("ALL",), "ops may all"),
        Entry(("console", "days"), 30, "days"),
        Entry(("console", "days"), 40, "what stands there stays"),
    ]
    text = estate_file.with_entries(LAB, entries, "lab.toml")
    assert tomllib.loads(text) == {
        "estate": {"name": "lab"},
        "boot": {"all": ["lab-network.service", "a.service"], "sip": ["b.service"]},
        "listeners": {"api": {"nginx.service": [80, 443], "c.service": ["udp:1"]}, "sip-1": {"c.service": ["udp:1"]}},
        "sudo": {"all": {"%ops": ["ALL"]}},
        "console": {"days": 30},
    }
    for line in (
        "# the lab",
        'name = "lab"   # as the file',
        "# what may start",
        "# a.service starts\\nat boot",
        f"# {'x' * 200}.. (a-rule)\n",
    ):
        assert line in text
    assert estate_file.with_entries(text, entries, "lab.toml") == text, "said once is enough"
    assert text.endswith("\n")


def test_what_has_one_comment_stands_in_one_line_with_it() -> None:
    """A person reads each line: a port more of the same program is none. What is said of others, or is too long, has its own."""
    entries = [
        Entry(("listeners", "a"), {"c.service": (8301,)}, origin="no package; rule"),
        Entry(("boot", "a"), ("a.service",), origin="package a; rule"),
        Entry(("listeners", "a"), {"c.service": ("udp:8301",)}, origin="no package; rule"),
        Entry(("boot", "a"), ("b.service",), "by b.timer", "no package; rule"),
        Entry(("boot", "b"), tuple(f"{letter * 30}.service" for letter in "abcde"), origin="no package; rule"),
        Entry(("keys", "a"), {"root": ()}),
    ]
    text = estate_file.with_entries("", entries, "lab.toml")
    long = "".join(f'    "{letter * 30}.service", # no package; rule\n' for letter in "abcde")
    assert text == (
        '[listeners.a]\n"c.service" = [8301, "udp:8301"] # no package; rule\n\n'
        '[boot]\na = [\n    "a.service", # package a; rule\n    "b.service", # by b.timer (no package; rule)\n]\n'
        f"b = [\n{long}]\n\n[keys.a]\nroot = []\n"
    )
    more = estate_file.with_entries(text, [Entry(("listeners", "a"), {"c.service": (9,)}, origin="rule")], "lab.toml")
    assert tomllib.loads(more)["listeners"]["a"]["c.service"] == [8301, "udp:8301", 9]


def test_a_table_in_a_list_is_written_as_people_do() -> None:
    text = estate_file.with_entries("", [Entry(("agents", "sip-1"), ({"image": "x/a:1", "rights": ()},), "an agent")], "lab.toml")
    assert text == '[agents]\nsip-1 = [\n    { image = "x/a:1", rights = [] }, # an agent\n]\n'


@pytest.mark.parametrize(
    ("text", "entry"),
    [
        ("[boot", Entry(("boot", "all"), ("a",))),
        ('boot = "x"', Entry(("boot", "all"), ("a",))),
        ('[boot]\nall = "x"', Entry(("boot", "all"), ("a",))),
        ('[[boot]]\nall = ["x"]', Entry(("boot", "all"), ("a",))),
        ('[listeners]\nall = ["x"]', Entry(("listeners", "all"), {"a": (1,)})),
    ],
)
def test_what_does_not_fit_is_one_line(text: str, entry: Entry) -> None:
    with pytest.raises(EstateError, match=r"lab\.toml: cannot be added to"):
        estate_file.with_entries(text, [entry], "lab.toml")


def test_a_file_that_is_no_estate_is_not_written(tmp_path: Path) -> None:
    path = tmp_path / "lab.toml"
    path.write_text(LAB)
    with pytest.raises(EstateError):
        estate_file.replace(path, LAB + "[nonsense]\n")
    assert (path.read_text(), list(tmp_path.iterdir())) == (LAB, [path])


def test_a_value_of_several_hosts_is_said_once_each(green: Case) -> None:
    """By account below the place, too."""
    entries = [Entry(("sudo", host, "nagios"), ("/usr/bin/a", "/usr/bin/b"), host) for host in HOSTS]
    entries.append(Entry(("sudo", "sip-1", "ansible"), ("ALL",)))
    assert [(one.place, one.value) for one in said_once(entries, green.estate)] == [
        (("sudo", "all", "nagios"), ("/usr/bin/a",)),
        (("sudo", "all", "nagios"), ("/usr/bin/b",)),
        (("sudo", "sip-1", "ansible"), ("ALL",)),
    ]


def test_no_secret_is_written_into_a_file_that_goes_to_git() -> None:
    """Of what was found it is cut; an entry that holds one is left to a person."""
    secret = "0123456789abcdef0123456789abcdef"
    told = Entry(("programs", "sip-1"), ("/opt/agent/bin/agent",), f"process 7 of root is: agent --api-key={secret}")
    held = Entry(("agents", "sip-1"), ({"image": "x/agent:1", "command": ("agent", f"--api-key={secret}")},), "container agent")
    kept = Entry(("keys", "sip-1"), {"deploy": (f"SHA256:{'Ab1+/x9Z' * 5}Ab1",)}, "a fingerprint is no secret")
    say = io.StringIO()
    odd = Entry(("containers", "project"), "live\u202ekit", "as the containers say")
    good = without_secrets([told, held, kept, odd], Redactor.of({}), cut(say))
    assert "not written, as it may mean more than it shows: [containers] project" in say.getvalue()
    assert [one.place for one in good] == [told.place, kept.place]
    assert good[0].about == "process 7 of root is: agent --api-key=[cut]"
    assert secret not in estate_file.with_entries("", good, "lab.toml") + say.getvalue()
    assert say.getvalue().startswith("not written, as it holds what looks like a secret: [agents] sip-1 = ")


@pytest.mark.parametrize(
    "name", ["/srv/*", "elsewhere:/srv/x", "/srv/a\u202eb", "/srv/a\u200bb", "/srv/a\udcffb", "/srv/a\u2800"]
)
def test_what_is_found_is_no_entry_that_says_more_than_it_shows(green: Case, name: str) -> None:
    """Whoever runs a program has named it: by ``*`` it would let in others, by what nobody sees it looks like another. By a path
    that its account alone sees it may be any.
    """
    rows = known(green.of("api-1").processes)
    odd = replace(rows[0], pid=40_000, unit="", command="x", container="", exe=name)
    case = green.host("api-1", processes=(*rows, odd, replace(odd, pid=40_001, exe="/srv/plain")))
    found = drafted(case.estate, case.evidence)
    assert [one.value for one in found.entries] == [("/srv/plain",)]
    assert "/srv/plain" in found.entries[0].line
    alone = green.host("api-1", processes=(*rows, odd))
    assert drafted(alone.estate, alone.evidence).entries == ()
    assert {one.invariant for one in drafted(alone.estate, alone.evidence).left} == {"no-node-runs"}


@pytest.mark.parametrize(
    ("name", "is_it"),
    [("docs.vox.example", True), ("*.docs.vox.example", True), ("*.example", False), ("*o*", False), ("vox.*", False)],
)
def test_a_name_of_a_web_server_stands_for_one_domain_at_most(name: str, is_it: bool) -> None:  # noqa: FBT001
    """Of what is served by a name in ``others`` nothing is asked, on any host."""
    assert is_plain(Entry(("console", "others"), (name,))) is is_it


def test_an_entry_that_no_estate_may_have_keeps_no_other_out(green: Case, tmp_path: Path) -> None:
    """As the library that an account has loaded out of its home."""
    text = Path(green.estate.source).read_text("utf-8")
    path = tmp_path / "lab.toml"
    path.write_text(text)
    fits, not_here = Entry(("preload", "all"), ("/usr/lib/agent.so",)), Entry(("preload", "all"), ("/home/x/y.so",))
    good, bad = estate_file.accepted(path, [not_here, fits])
    assert (good, [one for one, _ in bad]) == ([fits], [not_here])
    assert "no agent's library" in bad[0][1].line
    assert estate_file.accepted(path, [fits]) == ([fits], [])
    assert path.read_text("utf-8") == text, "nothing is written yet"
    path.write_text("[estate]\n")
    with pytest.raises(EstateError):
        estate_file.accepted(path, [fits])
