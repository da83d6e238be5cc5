"""Estate files: what a person gets wrong is one line that names file, place and why."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voxgate.contracts.estates import FOLDER, cache_folder, estate_names, load_estate, named_estate
from voxgate.contracts.keys import fingerprints
from voxgate.errors import EstateError
from voxgate.model.estate import Estate, JobEntry, Listener
from voxgate.model.front import Front
from voxgate.model.where import places_of
from voxgate.plugin.session import saved_estate

LAB = (FOLDER / "lab.toml").read_text("utf-8")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copy(FOLDER / "services.toml", tmp_path)
    return tmp_path


def written(folder: Path, text: str) -> Estate:
    """The estate that a text is."""
    (folder / "lab.toml").write_text(text)
    return load_estate("lab", folder)


def refusal(folder: Path, text: str) -> EstateError:
    (folder / "lab.toml").write_text(text, "utf-8")
    with pytest.raises(EstateError) as caught:
        load_estate("lab", folder)
    assert "\n" not in caught.value.line
    return caught.value


@pytest.mark.parametrize("name", estate_names())
def test_the_estates_that_ship_load(name: str) -> None:
    estate = load_estate(name)
    assert estate.name == name
    assert {placement.service.name for placement in estate.placements} == {"backend", "fleet", "dialler", "console"}


def test_the_lab_places_each_service_where_it_belongs() -> None:
    estate = load_estate("lab")
    assert [one.id for one in estate.placements] == [
        "backend-api-1", "fleet-fleet-1", "fleet-fleet-2", "dialler-sip-1", "console-api-1",
    ]  # fmt: skip
    assert [one.id for one in estate.placed_units][:3] == ["api-1-voxbridge", "fleet-1-voxcore@1", "fleet-1-voxcore@2"]
    assert estate.workers == 6


SECOND = '\n[databases.vox2]\ndialler = "sip-1"\nuri = "mongodb://127.0.0.1:27017/vox2"\nvia = "data"\n'
TWIN = '\n[hosts.sip-2]\naddress = "198.51.100.42"\nroles = ["sip"]\n[databases.v2]\ndialler = "sip-2"\nvia = "data"\n'

SEEN = 'seen_from = "fleet-1"'


def beside(*lines: str) -> tuple[str, str]:
    """What the console's table says more."""
    return SEEN, "\n".join((SEEN, *lines))


MISTAKES = {
    "two diallers": (('dialler = "sip-1"', 'dialler = ["sip-1", "fleet-1"]'), "exactly one dialler", "vox.dialler"),
    "one dialler for two databases": ((None, SECOND), "cannot dial on two databases", "databases.vox2"),
    "the same database twice": (
        (None, TWIN + 'uri = "mongodb://127.0.0.1:27017/vox?appName=x"\n'), "the same database stands twice", "databases.v2",
    ),
    "dialler not on a SIP host": (('dialler = "sip-1"', 'dialler = "api-1"'), "not a SIP host", "databases.vox"),
    "dialler on no host": (('dialler = "sip-1"', 'dialler = "sip1"'), "is no host of this estate", "databases.vox"),
    "host without a role": (('roles = ["api"]', "roles = []"), "", "hosts.api-1.roles"),
    "store on no host": (('s3 = { host = "data"', 's3 = { host = "dta"'), "is no host of this estate", "stores.s3"),
    "port that is none": (('"nginx.service" = [80]', '"nginx.service" = [80000]'), "", "listeners.api"),
    "listener of no place": (('api = { "nginx', 'web = { "nginx'), "'web' is no role and no host", "[listeners]"),
    "listener of no place at all": (('api = { "nginx', '"api 1" = { "nginx'), "", "listeners"),
    "boot of no host": (('all = ["lab-network.service"]', 'sip-2 = ["lab-network.service"]'), "no role and no host", "[boot]"),
    "boot of any unit": (("lab-network.service", "*.service"), "", "boot.all"),
    "job of no place": (("[boot]", '[jobs]\nsip-2 = ["/etc/cron.d/x"]\n[boot]'), "no role and no host", "[jobs]"),
    "job of any file": (("[boot]", '[jobs]\nall = ["/etc/*"]\n[boot]'), "", "jobs.all"),
    "job that runs anything": (("[boot]", '[jobs]\nall = ["/etc/cron.d/x: sh"]\n[boot]'), "", "jobs.all"),
    "drop-in without a hash": (("[boot]", '[units]\nall = { "/run/x.service.d/a.conf" = "any" }\n[boot]'), "", "units"),
    "unit for a drop-in": (("[boot]", f'[units]\nall = {{ "/run/x.service" = "{"a" * 64}" }}\n[boot]'), "", "units"),
    **{
        f"variable that loads code: {one}": (("[boot]", f'[environment]\nall = ["{one}"]\n[boot]'), "", "environment.all")
        for one in ("LD_PRELOAD", "OPENSSL_CONF", "OPENSSL_MODULES", "GLIBC_TUNABLES", "SSLKEYLOGFILE")
    },
    "variable of Python": (("[boot]", '[environment]\nall = ["PYTHONPATH"]\n[boot]'), "", "environment.all"),
    "variable of no place": (("[boot]", '[environment]\nsip-2 = ["A"]\n[boot]'), "no role and no host", "[environment]"),
    "library of a release": (
        ("[boot]", '[preload]\nsip = ["/opt/vox-agents/x.so"]\n[boot]'), "no agent's library", "preload.sip",
    ),
    "library of anybody": (("[boot]", '[preload]\nall = ["/home/x/x.so"]\n[boot]'), "no agent's library", "preload.all"),
    "any library": (("[boot]", '[preload]\nall = ["/*/x.so"]\n[boot]'), "", "preload.all"),
    "program at home": (("[boot]", '[programs]\nall = ["/home/x/agent"]\n[boot]'), "nobody else's program", "programs.all"),
    "program of a service": (("[boot]", '[programs]\napi = ["voxbridge.service"]\n[boot]'), "nobody else's", "programs.api"),
    "agent that is a service": (
        ("[boot]", '[agents]\nsip = [{ image = "our/vox-backend:1", project = "x" }]\n[boot]'), "is no agent", "agents.sip",
    ),
    "agent that is livekit": (
        ("[boot]", '[agents]\nsip = [{ image = "livekit/sip:v1.2", project = "x" }]\n[boot]'), "is no agent", "agents.sip",
    ),
    "agent of livekit's project": (
        ("[boot]", '[agents]\nsip = [{ image = "a/b", project = "livekit" }]\n[boot]'), "is no agent", "agents.sip",
    ),
    "agent with all of the host": (
        ("[boot]", '[agents]\nsip = [{ image = "a/b", project = "x", mounts = ["/:/host"] }]\n[boot]'), "gives a/b", "agents.sip",
    ),
    "agent with a service's settings": (
        ("[boot]", '[agents]\nsip = [{ image = "a/b", project = "x", mounts = ["/opt/vox-dialler/.env:/e"] }]\n[boot]'),
        "gives a/b", "agents.sip",
    ),
    "boot of any file": (("lab-network.service", "/etc/*/x"), "", "boot.all"),
    "boot of the services' units": (("lab-network.service", "voxcore@*.service"), "also means voxcore@1.service", "boot.all"),
    "url with a path": (beside('url = "https://x.example/console"'), "", "console.url"),
    "url of no known kind": (beside('url = "ftp://x.example"'), "", "console.url"),
    "url of no address": (beside('url = "https://[12]"'), "is no url", "console.url"),
    "url that nobody asks": ((SEEN, 'url = "https://x.example"'), "url needs seen_from", "[console]"),
    "CA without a url": (beside('ca = "/x"'), "'url' is a dependency of 'ca'", "console"),
    "CA for http": (beside('url = "http://x.example"', 'ca = "/x"'), "ca goes with an https url", "[console]"),
    "the console is something else": (
        beside('url = "https://X.example"', 'others = ["X.Example"]'), "others names x.example", "[console]"
    ),
    "any folder": (beside('web_roots = ["/"]'), "", "console.web_roots"),
    "folder around the services": (beside('web_roots = ["/opt/"]'), "is a service's", "[console]"),
    "folder of a service": (beside('web_roots = ["/opt/vox-backend/docs"]'), "/opt/vox-backend is a service's", "[console]"),
    "any name": (beside('others = ["*.*"]'), "", "console.others"),
    "sudo with a wildcard": ((None, '\n[sudo]\ncommands = ["/usr/bin/systemctl reload n*"]\n'), "", "sudo.commands"),
    "sudo of no place": ((None, '\n[sudo.sip-9]\nnagios = ["/bin/x"]\n'), "'sip-9' is no role and no host", "[sudo]"),
    "sudo of no form": ((None, '\n[sudo.all]\nnagios = ["true"]\n'), "", "sudo.all.nagios"),
    "the login account everything": ((None, '\n[sudo.all]\ndeploy = ["ALL"]\n'), 'deploy can never be "ALL"', "[sudo.all]"),
    "a service everything": ((None, '\n[sudo.sip]\nvox = ["(mysql) ALL"]\n'), 'vox can never be "ALL"', "[sudo.sip]"),
    "a service a group": ((None, '\n[sudo.sip]\nvox = ["group docker"]\n'), "vox can never be in the group docker", "[sudo.sip]"),
    "builds everything": ((None, '\n[sudo.sip-1]\nvoxbuild = ["ALL"]\n'), 'voxbuild can never be "ALL"', "[sudo.sip-1]"),
    "a service with a wildcard": ((None, '\n[sudo.sip]\nvox = ["/bin/kill *"]\n'), "is no exact command", "[sudo.sip]"),
    "keys of no place": ((None, f'sip-9 = {{ anna = ["SHA256:{"A" * 43}"] }}\n'), "'sip-9' is no role and no host", "[keys]"),
    "key of no form by place": ((None, 'sip = { anna = ["ssh-rsa x"] }\n'), "", "keys.sip.anna"),
    "a principal that signs": ((None, '"@cert-authority" = ["principal:x"]\n'), "a principal is no key", "[keys.all]"),
    "sshd of no place": ((None, '\n[sshd.api-2]\nPermitRootLogin = "yes"\n'), "'api-2' is no role and no host", "[sshd]"),
    "sshd of no setting": ((None, '\n[sshd.all]\nTrustedUserCAKey = "/x"\n'), "is no setting of sshd that", "[sshd.all]"),
    "sshd without keys": ((None, '\n[sshd.all]\nPermitEmptyPasswords = "yes"\n'), "can never be 'yes'", "[sshd.all]"),
    "sshd for some without keys": (
        (None, '\n[sshd.all]\n"Match User x" = ["HostbasedAuthentication yes"]\n'), "can never be 'yes'", "[sshd.all]",
    ),
    "key of no known form": (('deploy = ["{cache}/lab/id_ed25519.pub"]', 'deploy = ["ssh-rsa x"]'), "", "keys.deploy"),
    "unknown role": (('roles = ["api"]', 'roles = ["apy"]'), "is none of", "hosts.api-1"),
    "the same address twice": (("198.51.100.32", "198.51.100.31"), "the same address stands twice", "hosts.fleet-1"),
    "unknown key": (("workers = 3", "worker = 3"), "unknown key 'worker'", "hosts.fleet-"),
    "wrong type": (("workers = 3", 'workers = "3"'), "", "hosts.fleet-2.workers"),
    "missing key": (('known_hosts = "{cache}/lab/known_hosts"', ""), "missing key 'known_hosts'", "estate"),
    "no fleet host": (('roles = ["fleet"]\nworkers = 3', 'roles = ["data"]'), "no host for the fleet", "[hosts]"),
    "workers elsewhere": (('roles = ["sip"]', 'roles = ["sip"]\nworkers = 2'), "only a fleet host has workers", "sip-1"),
    "fleet without workers": (("workers = 3", ""), "a fleet host needs workers", "hosts.fleet-1"),
    "secret in the file": (("mongodb://127", "mongodb://u:pw@127"), "", "databases.vox.uri"),
    "another name": (('name = "lab"', 'name = "prod"'), "calls itself 'prod'", "[estate]"),
    "known_hosts of nobody": (("{cache}/lab/known_hosts", "~nosuchuser/known_hosts"), "no home", "estate.known_hosts"),
    "known_hosts that is no path": (("{cache}/lab/known_hosts", "x\\u0000y"), "no name of a file", "estate.known_hosts"),
    "bake that is no number": (("bake = 3", "bake = nan"), "nan is no number", "estate.bake"),
    "bake without an end": (("bake = 3", "bake = inf"), "inf is no number", "estate.bake"),
    "look before it began": (("look = 1.3", "look = -1.0"), "", "estate.look"),
    "changes of no place": (("look = 1.3", 'look = 1.3\nchanges = ["flet"]'), "'flet' is no role and no", "[estate.changes]"),
    "changes by a word": (("look = 1.3", 'look = 1.3\nchanges = "judged"'), "", "estate.changes"),
    "no TOML": (("[estate]", "[estate"), "not valid TOML", "lab.toml"),
    "key twice": (('name = "lab"', 'name = "lab"\nname = "x"'), "not valid TOML", "lab.toml"),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_refused_in_one_line(folder: Path, mistake: str) -> None:
    (old, new), said, place = MISTAKES[mistake]
    text = LAB.replace(old, new) if old else LAB + new
    assert text != LAB
    error = refusal(folder, text)
    assert said in error.line
    assert place in error.line
    assert "lab.toml" in error.line


DATABASES = LAB[LAB.index("[databases.vox]") : LAB.index("[services.dialler]")]


@pytest.mark.parametrize(
    ("old", "new", "hint"),
    [
        ('roles = ["fleet"]\nworkers = 3', 'roles = ["data"]', "role fleet; or, if this environment has none: "),
        (DATABASES, "", "say which host is its database's dialler; or, if this environment has none: "),
    ],
)
def test_a_service_without_a_host_is_told_how_it_gets_one(folder: Path, old: str, new: str, hint: str) -> None:
    assert refusal(folder, LAB.replace(old, new)).hint.startswith(hint)


def test_a_misspelt_key_gets_a_suggestion(folder: Path) -> None:
    assert refusal(folder, LAB.replace("workers = 3", "wokers = 3")).hint == "did you mean 'workers'?"


@pytest.mark.parametrize(("key", "meant"), [("sip-2", "sip-1"), ("fleat", "fleet"), ("al", "all")])
def test_a_misspelt_place_gets_a_suggestion(folder: Path, key: str, meant: str) -> None:
    assert refusal(folder, LAB.replace('all = ["lab-net', f'{key} = ["lab-net')).hint == f"did you mean {meant!r}?"


def test_what_an_estate_says_counts_for_all_for_a_role_and_for_a_host(folder: Path) -> None:
    boot = '[boot]\nall = ["a.service"]\nfleet = ["b.service", "a.service"]\nfleet-2 = ["agent*.service", "/usr/local/sbin/x"]\n'
    ports = 'all = { "ssh.service" = [22] }\nfleet-2 = { "agent*.service" = [5001] }\n'
    text = LAB.replace("[boot]", "[old]").partition("[old]")[0] + boot + LAB[LAB.index("[keys]") :]
    (folder / "lab.toml").write_text(text.replace('all = { "ssh.service" = [22] }\n', ports), "utf-8")
    estate = load_estate("lab", folder)
    one, two, api = (estate.host(name) for name in ("fleet-1", "fleet-2", "api-1"))
    asked = ("a.service", "b.service", "agent-trace.service", "agent/x.service", "/usr/local/sbin/x", "xagent.service")
    assert [name for name in asked if name in estate.boots(api)] == ["a.service"]
    assert [name for name in asked if name in estate.boots(one)] == ["a.service", "b.service"]
    assert [name for name in asked if name in estate.boots(two)] == ["a.service", "b.service", asked[2], asked[4]]
    assert Listener("agent*.service", 5001) in estate.listeners_on(two)
    assert Listener("agent*.service", 5001) not in estate.listeners_on(one)


def test_what_an_estate_says_counts_for_hosts_of_a_name(folder: Path) -> None:
    """Of every word by place: a pattern of names means the hosts that have such, and no others."""
    said = (
        ("[boot]", '"fleet-*" = ["b.service"]\n'),
        ("[listeners]", '"f*-2" = { "agent.service" = [5001] }\n'),
        ("[keys]", f'"fleet-*" = {{ anna = ["SHA256:{"A" * 43}"] }}\n'),
    )
    text = LAB
    for table, line in said:
        before, found, rest = text.partition(f"\n{table}")
        comment, _, below = rest.partition("\n")
        text = f"{before}{found}{comment}\n{line}{below}"
    text = text.replace("look = 1.3", 'look = 1.3\nchanges = ["fleet-*", "data"]')
    text += '\n[jobs]\n"fleet-*" = ["/etc/cron.d/x: git"]\n[sudo."fleet-*"]\nnagios = ["/bin/x"]\n'
    (folder / "lab.toml").write_text(text, "utf-8")
    estate = load_estate("lab", folder)
    of = {host.name: host for host in estate.hosts}
    assert [name for name, host in of.items() if "b.service" in estate.boots(host)] == ["fleet-1", "fleet-2"]
    assert [name for name, host in of.items() if Listener("agent.service", 5001) in estate.listeners_on(host)] == ["fleet-2"]
    assert [name for name, host in of.items() if estate.may_log_in(host).get("anna")] == ["fleet-1", "fleet-2"]
    assert [name for name, host in of.items() if estate.may_run(host, ["/etc/cron.d/x"])] == ["fleet-1", "fleet-2"]
    assert [name for name, host in of.items() if estate.may_by_sudo(host).get("nagios")] == ["fleet-1", "fleet-2"]
    assert [name for name, host in of.items() if places_of(host, estate.changes)] == ["data", "fleet-1", "fleet-2"]


def test_a_pattern_of_names_that_no_host_has_is_a_mistake(folder: Path) -> None:
    error = refusal(folder, LAB.replace("[boot]", '[boot]\n"flet-*" = ["b.service"]\n'))
    assert "'flet-*' is no role and no host" in error.line


@pytest.mark.parametrize(
    ("entry", "meant"),
    [
        ("/etc/cron.d/rec-*", JobEntry("/etc/cron.d/rec-*", ("git", "rsync"))),
        ("/etc/cron.daily/etckeeper: git", JobEntry("/etc/cron.daily/etckeeper", ("git",))),
        ("backup.timer: rsync, /opt/vox-backend", JobEntry("backup.timer", ("rsync", "/opt/vox-backend"))),
    ],
)
def test_a_job_says_where_it_stands_and_what_it_runs(folder: Path, entry: str, meant: JobEntry) -> None:
    (folder / "lab.toml").write_text(LAB.replace("[boot]", f'[jobs]\nall = ["{entry}"]\n[boot]'), "utf-8")
    assert load_estate("lab", folder).jobs == {"all": (meant,)}


def test_how_people_reach_the_console_is_read(folder: Path) -> None:
    url = 'url = "https://Console.example:8443/"\nca = "{cache}/x.pem"\ndays = 20\nplain = 8080\nat = "lb.example"'
    more = 'others = ["grafana.example"]\nweb_roots = ["/var/www/docs"]'
    estate = written(folder, LAB.replace('seen_from = "fleet-1"', f'seen_from = "fleet-1"\n{url}\n{more}'))
    front = Front("console.example", 8443, True, str(cache_folder() / "x.pem"), 20, 8080, "lb.example")  # noqa: FBT003
    assert (estate.front, estate.others, estate.web_roots) == (front, ("grafana.example",), ("/var/www/docs",))
    assert (front.url, front.own_port, front.served_by_tls) == ("https://console.example:8443", 8080, False)
    six = written(folder, LAB.replace('seen_from = "fleet-1"', 'seen_from = "fleet-1"\nurl = "http://[fd00::1]"')).front
    assert six == Front("fd00::1", 80, tls=False)
    assert six.headers == (("Host", "[fd00::1]"),)
    assert load_estate("lab").front is None


def test_a_run_names_its_estate_by_no_file(folder: Path) -> None:
    """Who makes the folder of a run that is judged again, joined or attached could bring the estate that finds it good."""
    (folder / "lab.toml").write_text(LAB, "utf-8")
    assert named_estate("lab", folder).name == "lab"
    (folder / "run.json").write_text(json.dumps({"estate": str(folder / "lab.toml")}), "utf-8")
    with pytest.raises(EstateError, match="a run says its estate's name"):
        saved_estate(folder, folder.parent)
    for path in (str(folder / "lab.toml"), "lab.toml", "../lab"):
        with pytest.raises(EstateError, match="a run says its estate's name"):
            named_estate(path, folder)


def test_a_misspelt_estate_gets_a_suggestion() -> None:
    with pytest.raises(EstateError) as caught:
        load_estate("stagin")
    assert caught.value.hint == "did you mean staging?"


@pytest.mark.parametrize("name", ["../lab", "/etc/passwd", "services", "", "lab.toml"])
def test_only_estates_of_the_folder_are_read(name: str) -> None:
    with pytest.raises(EstateError):
        load_estate(name)


@settings(deadline=None)
@given(position=st.integers(0, len(LAB) - 1), text=st.text(max_size=6))
def test_any_damage_is_an_estate_or_one_line(tmp_path_factory: pytest.TempPathFactory, position: int, text: str) -> None:
    folder = tmp_path_factory.mktemp("estate")
    shutil.copy(FOLDER / "services.toml", folder)
    (folder / "lab.toml").write_text(LAB[:position] + text + LAB[position + 3 :], "utf-8", newline="")
    try:
        estate = load_estate("lab", folder)
    except EstateError as error:
        assert "\n" not in error.line or "\n" in text  # noqa: PT017
    else:
        assert estate.hosts


def test_a_byte_order_mark_is_no_mistake(folder: Path) -> None:
    (folder / "lab.toml").write_text(LAB, "utf-8-sig")
    assert load_estate("lab", folder).name == "lab"


@pytest.mark.parametrize("entry", ["~nosuchuser/.ssh/id.pub", "/x\0y.pub"])
def test_a_key_in_nobodys_home_is_missing(entry: str) -> None:
    assert fingerprints(entry) == (f"missing: {entry}",)


def test_keys_are_files_or_fingerprints_and_a_lost_file_is_said(folder: Path) -> None:
    blob = base64.b64encode(b"x" * 51).decode()
    mark = "SHA256:" + base64.b64encode(hashlib.sha256(b"x" * 51).digest()).decode().rstrip("=")
    (folder / "k.pub").write_text(f"# mine\nssh-ed25519 {blob} me@x\n")
    text = LAB.replace('"{cache}/lab/id_ed25519.pub"', f'"{folder}/k.pub", "{folder}/gone.pub", "SHA256:{"B" * 43}"')
    (folder / "lab.toml").write_text(text, "utf-8")
    assert load_estate("lab", folder).keys == {
        "all": (("deploy", mark), ("deploy", f"missing: {folder}/gone.pub"), ("deploy", "SHA256:" + "B" * 43))
    }


def test_what_may_listen_follows_from_roles_stores_and_services() -> None:
    estate = load_estate("lab")
    found = {(one.who, one.port, one.loopback) for one in estate.listeners_on(estate.host("fleet-2"))}
    assert found == {("ssh.service", 22, False), *((f"voxcore@{n}.service", 8100 + n, False) for n in (1, 2, 3))}
    assert ("redis-server.service", 6379) in {(one.who, one.port) for one in estate.listeners_on(estate.host("data"))}
    assert ("containerd.service", 0, True) in {
        (one.who, one.port, one.loopback) for one in estate.listeners_on(estate.host("sip-1"))
    }


def test_each_unit_has_the_file_that_hosts_must_have() -> None:
    for service in load_estate("lab").services:
        wanted = (
            {service.unit: hashlib.sha256((FOLDER / "units" / service.unit).read_bytes()).hexdigest()} if service.unit else {}
        )
        assert service.unit_files == wanted


@pytest.mark.parametrize(
    ("port", "meant"),
    [
        ("22", Listener("x.service", 22)),
        ('"loopback:9000"', Listener("x.service", 9000, loopback=True)),
        ('"udp:5060"', Listener("x.service", 5060, protocol="udp")),
        ('"udp:loopback:323"', Listener("x.service", 323, loopback=True, protocol="udp")),
        ('"udp:10000-20000"', Listener("x.service", 10000, protocol="udp", last=20000)),
    ],
)
def test_a_listeners_port_is_read(folder: Path, port: str, meant: Listener) -> None:
    (folder / "lab.toml").write_text(
        LAB.replace('all = { "ssh.service" = [22] }', f'all = {{ "x.service" = [{port}] }}'), "utf-8"
    )
    assert (load_estate("lab", folder).listeners or {})["all"] == (meant,)
