"""What a host needs before the gate can work there: all of it, in the order in which it is done, and as it is written."""

from __future__ import annotations

import base64
import gzip
import hashlib
import re
from dataclasses import replace

import pytest

from voxgate.contracts.estates import FOLDER, load_estate
from voxgate.contracts.unit_files import UnitFiles
from voxgate.model.estate import Estate
from voxgate.model.service import Service
from voxgate.moves import enrolment
from voxgate.moves.builder import built as builder
from voxgate.moves.enrolment import Need
from voxgate.probe import built as probe

LAB = load_estate("lab")
FILES = UnitFiles(FOLDER).of_all(LAB.services)
DIALLER = LAB.service("dialler")
ELSEWHERE = replace(DIALLER, folder="/data/voice/dialler", build_sha256="0" * 64)
FOLDERS = b"""\
# The folders outside of /opt's own that services live in: of these alone the probe tells something.
/data/voice/dialler
"""
OURS = ("/usr/local/sbin/voxgate-probe", "/usr/local/libexec/voxgate-build")
BUILD = "voxgate-build@.service"


def of(*services: Service, asks: str = "installed") -> Estate:
    """The lab's estate with these services alone; of each host the probe is ``asks``."""
    return replace(LAB, services=services, hosts=tuple(replace(one, probe=asks) for one in LAB.hosts))


def needs(estate: Estate, host: str) -> tuple[Need, ...]:
    return enrolment.needs(estate, estate.host(host), {**FILES, ELSEWHERE.build_file: b"[Unit]\n"})


FIRST = [
    "the programs sudo, git, python3, ssh-keygen",
    "the account deploy: logs in, moves code, restarts units",
]
ACCOUNTS = ["the account vox: runs the services", "the account voxbuild: builds releases, and can do nothing else"]
STATE, PROBE = "what the gate writes down on the host, deploy's alone", "the probe: what the gate asks a host"
BUILDER, SYSTEMD = "the program that builds releases", "systemd knows them, and starts them at boot"
UV = "uv, installed by root for all accounts, or in the home of the one that deploys"
NODE = "node and npm, installed by root for all accounts, or by nvm in the home of the one that deploys"
NAMED = "the folders of services that are not in /opt: /data/voice/dialler"
SETTINGS = "MONGODB_URI, REDIS_URL, LIVEKIT_URL, LIVEKIT_API_KEY, LIVEKIT_API_SECRET, SIP_TRUNK_ID, DIALLER_TICK_SECONDS"


def of_service(name: str, *units: str, build: str = BUILD) -> tuple[list[str], list[str], str]:
    """What is said of one of the services: before the programs, after them, and of its clone."""
    files = [f"the unit file {one}" for one in sorted([*units, build])]
    clone = f"{name}: a clone of its repository, for which deploy needs a key that may read it"
    return [f"{name}: its folder, and where it is built"], [*files, SYSTEMD], clone


CONSOLE, ITS_UNITS, ITS_CLONE = of_service("console")
FOLDER_OF, UNITS_OF, CLONE_OF = of_service("dialler", "voxdialler.service")
MOVED_UNITS = of_service("dialler", "voxdialler.service", build=ELSEWHERE.build_file)[1]
ENV = [f"dialler: /opt/vox-dialler/.env, root's, 0640 for vox's group, with {SETTINGS}"]
ABOUTS: dict[str, tuple[Estate, str, list[str]]] = {
    "no service": (of(DIALLER), "data", [*FIRST, STATE, PROBE, "sudo for this one command"]),
    "no service, and a probe that is sent": (of(DIALLER, asks="stdin"), "data", [*FIRST, STATE, "sudo for no command"]),
    "a service": (
        of(DIALLER), "sip-1",
        [*FIRST, *ACCOUNTS, STATE, *FOLDER_OF, PROBE, BUILDER, *UNITS_OF, "sudo for these 7 commands", CLONE_OF, UV, *ENV],
    ),
    "a page, and a probe that is sent": (
        of(LAB.service("console"), asks="stdin"), "api-1",
        [*FIRST, ACCOUNTS[1], STATE, *CONSOLE, PROBE, BUILDER, *ITS_UNITS, "sudo for these 2 commands", ITS_CLONE, NODE],
    ),
    "a folder elsewhere, on another host": (of(ELSEWHERE), "data", [*FIRST, STATE, NAMED, PROBE, "sudo for this one command"]),
    "a folder elsewhere, and a probe that is sent": (
        of(ELSEWHERE, asks="stdin"), "data", [*FIRST, STATE, "sudo for no command"],
    ),
    "a folder elsewhere": (
        of(ELSEWHERE), "sip-1",
        [*FIRST, *ACCOUNTS, STATE, *FOLDER_OF, NAMED, PROBE, BUILDER, *MOVED_UNITS, "sudo for these 7 commands", CLONE_OF, UV,
         ENV[0].replace("/opt/vox-dialler", "/data/voice/dialler")],
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", ABOUTS)
def test_a_host_needs_all_of_this_in_this_order_and_nothing_else(kind: str) -> None:
    estate, host, wanted = ABOUTS[kind]
    assert [one.about for one in needs(estate, host)] == wanted


def put(script: str) -> dict[str, tuple[str, bytes]]:
    """Each file that a script brings, by its path: its mode, and what is in it, which is what its digest says."""
    found: dict[str, tuple[str, bytes]] = {}
    for mode, path, digest, payload in re.findall(
        r"^put (\d+) (\S+) (\w{64}) <<'END'\n(.*?)\nEND$", script, re.MULTILINE | re.DOTALL
    ):
        packed = base64.b64decode(payload)
        content = gzip.decompress(packed)
        assert hashlib.sha256(content).hexdigest() == digest
        assert packed[4:8] == bytes(4), "no time is in it: the same files make the same script"
        found[path] = (mode, content)
    return found


def test_files_come_whole_and_are_asked_for_as_they_come() -> None:
    estate = of(ELSEWHERE)
    files = {f"/etc/systemd/system/{name}": ("644", FILES[name]) for name in ("voxdialler.service",)}
    units = {f"/etc/systemd/system/{ELSEWHERE.build_file}": ("644", b"[Unit]\n")}
    folders = {"/etc/voxgate/folders": ("644", FOLDERS)}
    programs = {OURS[0]: ("755", probe.program()), OURS[1]: ("755", builder.program())}
    all_of_it = {**FILES, ELSEWHERE.build_file: b"[Unit]\n"}
    for host, wanted, brought in (
        ("sip-1", {**folders, **programs, **files, **units}, {**folders, **programs, **units}),
        ("data", {**folders, OURS[0]: programs[OURS[0]]}, {**folders, OURS[0]: programs[OURS[0]]}),
    ):
        assert put(enrolment.script(estate, estate.host(host), all_of_it)) == wanted
        script, asked = enrolment.update(estate, estate.host(host), all_of_it)
        assert put(script) == brought
        assert script.endswith("\nEND\nsystemctl daemon-reload\n" if host == "sip-1" else "\nEND\n")
        assert asked == " && ".join(
            f'{{ [ "$(stat -c %u:%a {path})" = 0:{mode} ] && echo "{hashlib.sha256(content).hexdigest()}  {path}"'
            " | sha256sum --check --status; }"
            for path, (mode, content) in brought.items()
        )


URL = LAB.repository_url(DIALLER)
CLONED = f"""\
[ -d /opt/vox-dialler/.git ] || setsid -w runuser -u deploy -- git clone --quiet --no-checkout {URL} /opt/vox-dialler \
</dev/null 2>&1 | cat -v >&2 || echo '{URL} could not be cloned: do it by hand' >&2"""
SPOOL = """\
own deploy /opt/vox-dialler
install -d /var/lib/voxbuild/vox-dialler
install -d -o deploy -g deploy /var/lib/voxbuild/vox-dialler/in"""
SPOOLED = """\
[ -O /opt/vox-dialler ] && [ -w /opt/vox-dialler ] && [ -O /var/lib/voxbuild/vox-dialler/in ] && \
[ ! -O /var/lib/voxbuild/vox-dialler ]"""
PUT = """\
# a person's: (cd /opt/vox-dialler && umask 137 && dd of=.env.new conv=excl status=none && \
chown -h "root:$(id -gn vox)" .env.new && mv -T .env.new .env)"""
ROOTS = {
    "what the gate writes": (
        "install -d -m 0700 -o deploy -g deploy /var/lib/voxgate",
        '[ -O /var/lib/voxgate ] && [ "$(stat -c %a /var/lib/voxgate)" = 700 ]',
    ),
    "dialler: its folder": (SPOOL, SPOOLED),
    "systemd knows": (
        "systemctl daemon-reload\nsystemctl enable --quiet voxdialler.service",
        "systemctl is-enabled --quiet voxdialler.service",
    ),
    "dialler: a clone": (CLONED, "[ -d /opt/vox-dialler/.git ]"),
    "dialler: /opt/vox-dialler/.env": (
        PUT,
        'case "$(stat -c %U:%a /opt/vox-dialler/.env)" in root:640 | vox:600) ;; *) false ;; esac',
    ),
}


@pytest.mark.parametrize("about", ROOTS)
def test_what_root_types_and_how_it_is_seen(about: str) -> None:
    (need,) = (one for one in needs(of(DIALLER), "sip-1") if one.about.startswith(about))
    assert (need.do, need.done) == ROOTS[about]


def test_where_no_unit_runs_only_the_unit_files_are_told_to_systemd() -> None:
    (need,) = (one for one in needs(of(LAB.service("console")), "api-1") if one.about == SYSTEMD)
    assert (need.do, need.done) == ("systemctl daemon-reload", "true")


@pytest.mark.parametrize(("asks", "probes"), [("installed", ['/usr/local/sbin/voxgate-probe ""']), ("stdin", [])])
def test_sudo_is_for_these_commands_word_for_word(asks: str, probes: list[str]) -> None:
    estate = of(LAB.service("console"), DIALLER, asks=asks)
    verbs = [f"{verb} voxdialler.service" for verb in ("restart", "stop", "start", "reset-failed")]
    builds = [f"{verb} voxgate-build@vox-%s.service" for verb in ("restart", "stop")]
    for host, said in (
        ("sip-1", [*verbs, *(one % "dialler" for one in builds)]),
        ("api-1", [one % "frontend" for one in builds]),
        ("data", []),
    ):
        allowed = [*(f"/usr/bin/systemctl {one}" for one in said), *probes]
        (need,) = (one for one in needs(estate, host) if one.about.startswith("sudo for"))
        assert need.do.splitlines()[1:-4] == [
            "# What the gate may do as root: exact commands, no wildcard.",
            *(f"deploy ALL=(root) NOPASSWD: {one}" for one in allowed),
        ]
        asked = " && ".join(f"/usr/bin/sudo -n -l {one}".removesuffix(' ""') for one in allowed)
        assert need.done == (asked or "true")


@pytest.mark.parametrize(
    ("folder", "there"),
    [
        ("/opt/x", ""),
        ("/srv/x", ""),
        ("/srv/voice/x", ' && [ "$(pwd -P)" = /srv/voice/x ]'),
        ("/x/opt", ' && [ "$(pwd -P)" = /x/opt ]'),
    ],
)
def test_settings_are_put_where_a_link_of_others_could_lead_only_once_it_was_seen_that_none_does(folder: str, there: str) -> None:
    (need,) = enrolment._settings(replace(DIALLER, folder=folder))
    assert need.do.startswith(f"# a person's: (cd {folder}{there} && umask 137 && ")
    assert list(enrolment._settings(replace(DIALLER, required_settings=()))) == []
