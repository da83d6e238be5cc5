"""Whom the probe believes: root's programs get no word that another account chose, and root reads nothing by a link of its."""

from __future__ import annotations

import hashlib
import os
import pwd
import shutil
import socket
import struct
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.built import probe

NOBODY = 65534
TITLE = "sshd: /usr/sbin/sshd {} [listener] 0 of 10-100 startups"
SHOWS = "import ctypes, sys; ctypes.CDLL(None).prctl(15, sys.argv[1].encode()); print(flush=True); sys.stdin.read()"
SLEEPS = "/usr/bin/sleep"
OURS = probe.Daemon((SLEEPS,), r"sleeper(?:@.+)?")
pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


@pytest.fixture
def kept() -> Iterator[Path]:
    """A folder that nobody but root can change, nor any on the way to it."""
    with tempfile.TemporaryDirectory(prefix="voxgate-", dir="/var/lib") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@contextmanager
def calling_itself(name: str, argv: list[str], uid: int = NOBODY) -> Iterator[int]:
    """The pid of a process under a name and with words of its own choice."""
    words = [*argv, "-IS", "-c", SHOWS, name]
    with subprocess.Popen(
        words, executable="/usr/bin/python3", user=uid, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd="/"
    ) as child:
        assert child.stdout is not None
        child.stdout.readline()
        yield child.pid
        child.communicate(b"")


def row_of(pid: int, **changes: Any) -> dict[str, Any]:
    """A process as the probe lists it, as if its unit had started it."""
    found = probe.process_if_there(str(pid), probe.Cgroups(), 0.0)
    assert found is not None
    return {**found, "ppid": 1, "unit": "sleeper.service", "container": "", **changes}


def test_words_of_a_stranger_reach_no_program_of_roots(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It calls itself sshd and names a file for root's own to write: `sshd -T -E FILE` makes it before anything else."""
    asked: list[list[str]] = []
    real = probe.run

    def heard(argv: list[str], deadline: float) -> probe.Ended:
        asked.append(argv)
        return real(argv, deadline)

    monkeypatch.setattr(probe, "run", heard)
    with calling_itself("sshd", [TITLE.format(f"-D -E {kept}/made -o PermitRootLogin=yes")]) as pid:
        stranger = row_of(pid, unit="ssh.service")
        found = probe.guarded(lambda: probe.keys(probe.Job(lambda: [stranger]), probe.Job(dict)))
    assert not (kept / "made").exists()
    assert not any(str(kept) in word or "PermitRootLogin" in word for argv in asked for word in argv)
    if "value" in found:  # where this machine has an sshd that can be asked
        assert found["value"]["doubts"] == [f"process {pid} of nobody calls itself sshd, and runs as nobody"]


def test_only_what_says_that_it_listens_claims_to_be_sshd() -> None:
    with calling_itself("sshd", [TITLE.format("-D")]) as one, calling_itself("sshd", ["sshd: deploy@notty"]) as session:
        assert probe.claims_to_listen(row_of(one))
        assert not probe.claims_to_listen(row_of(session))
        assert not probe.claims_to_listen(row_of(one, container="ab" * 32)), "others judge what is in a container"


def started(*words: str, **how: Any) -> Callable[[], subprocess.Popen[bytes]]:
    return lambda: subprocess.Popen(words, cwd="/", stdin=subprocess.DEVNULL, **how)


def memfd() -> subprocess.Popen[bytes]:
    """The daemon's own program, run from no file."""
    handle = os.memfd_create("sleep")
    os.write(handle, Path(SLEEPS).read_bytes())
    return subprocess.Popen(["sleep", "60"], executable=f"/proc/self/fd/{handle}", pass_fds=(handle,), cwd="/")


def copied() -> subprocess.Popen[bytes]:
    folder = tempfile.mkdtemp()
    shutil.copy(SLEEPS, folder)
    return subprocess.Popen(["sleep", "60"], executable=f"{folder}/sleep", cwd="/")


def elsewhere() -> subprocess.Popen[bytes]:
    """Root's own, under another root: the very file is there too, by a mount."""
    script = "for d in usr lib lib64; do mkdir $1/$d; mount --bind /$d $1/$d; done; exec chroot $1 $2 60"
    return subprocess.Popen(["unshare", "--mount", "sh", "-c", script, "sh", tempfile.mkdtemp(), SLEEPS], cwd="/")


def runs_sleep(pid: int) -> bool:
    """True once a process is what it was started to be."""
    return b"60" in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[:2] and "sleep" in str(
        Path(f"/proc/{pid}/exe").readlink()
    )


@pytest.mark.parametrize(
    ("start", "changes", "why"),
    [
        (started(SLEEPS, "60"), {}, ""),
        (started(SLEEPS, "60", user=NOBODY), {}, "runs as nobody"),
        (started(SLEEPS, "60"), {"unit": "user@1000.service"}, "is not what its unit started: user@1000.service"),
        (started(SLEEPS, "60"), {"unit": "sleeper-of-mine.service"}, "is not what its unit started: sleeper-of-mine.service"),
        (started(SLEEPS, "60"), {"unit": ""}, "is not what its unit started: it is in none"),
        (started(SLEEPS, "60"), {"ppid": 4}, "is not what its unit started: sleeper.service"),
        (started(SLEEPS, "60"), {"container": "ab" * 32}, "is in a container or under another root"),
        (copied, {}, f"runs another program than {SLEEPS} is now"),
        (memfd, {}, f"runs another program than {SLEEPS} is now"),
        (elsewhere, {}, "is in a container or under another root"),
        (started("unshare", "--user", "--map-root-user", SLEEPS, "60", user=NOBODY), {}, "runs as nobody"),
        (started("unshare", "--pid", "--fork", "--kill-child", SLEEPS, "60"), {}, "is in a container or under another root"),
    ],
    ids=[
        "own",
        "account",
        "users-unit",
        "other-unit",
        "no-unit",
        "a-child",
        "container",
        "copy",
        "memfd",
        "chroot",
        "userns",
        "pidns",
    ],
)
def test_only_what_root_started_from_roots_own_file_is_believed(
    start: Callable[[], subprocess.Popen[bytes]], changes: dict[str, Any], why: str
) -> None:
    with start() as child:
        try:
            pid = child.pid
            if "--pid" in str(child.args):
                children = Path(f"/proc/{pid}/task/{pid}/children")
                while not children.read_text().split():
                    assert child.poll() is None
                pid = int(children.read_text().split()[0])
            while not runs_sleep(pid):
                assert child.poll() is None
            assert probe.doubt(row_of(pid, **changes), OURS) == why
        finally:
            child.kill()


def test_a_daemon_whose_file_others_can_change_is_not_believed(kept: Path) -> None:
    program = kept / "sleep"
    shutil.copy(SLEEPS, program)
    daemon = OURS._replace(programs=(str(program),))
    with subprocess.Popen([str(program), "60"], cwd="/") as child:
        assert probe.doubt(row_of(child.pid), daemon) == ""
        kept.chmod(0o777)
        assert probe.doubt(row_of(child.pid), daemon) == f"not only root can change {kept}"
        child.kill()


@pytest.mark.parametrize(
    ("words", "config", "settings"),
    [
        ("-D", probe.SSHD_CONFIG, ()),
        ("-D -e -4 -p 22 -p2222 -E /var/log/x -h /k -g 10 -u0", probe.SSHD_CONFIG, ()),
        ("-De46f /etc/ssh/other", "/etc/ssh/other", ()),
        (
            "-D -o PasswordAuthentication=yes -oPermitRootLogin=no",
            probe.SSHD_CONFIG,
            ("PasswordAuthentication=yes", "PermitRootLogin=no"),
        ),
        (
            "-D -o AuthorizedKeysCommand /usr/share/x/eic %u %f -o AuthorizedKeysCommandUser eic",
            probe.SSHD_CONFIG,
            ("AuthorizedKeysCommand=/usr/share/x/eic %u %f", "AuthorizedKeysCommandUser=eic"),
        ),
        ("-D -o PasswordAuthentication yes -D", probe.SSHD_CONFIG, ("PasswordAuthentication=yes",)),
        ("-D -o LogLevel=DEBUG -o Include=/tmp/x -o HostKey=/tmp/k", probe.SSHD_CONFIG, ()),
        ("-o AuthorizedKeysFile=.ssh/a /etc/k/%u", "", ()),
        ("-T", "", ()),
        ("-C user=x", "", ()),
        ("-D -Z", "", ()),
        ("-D -- -E /etc/x", "", ()),
        ("-D x -E /etc/x", "", ()),
        ("-D -f", "", ()),
        ("-f relative", "", ()),
        ("-f -E", "", ()),
        ("-o PermitRootLogin=`id`", "", ()),
        ("-o -E=/etc/x", "", ()),
        ("[listener] 0 of 10-100 startups -o A=b", "", ()),
    ],
)
def test_of_what_sshd_was_started_with_only_known_words_are_kept(words: str, config: str, settings: tuple[str, ...]) -> None:
    if config:
        assert probe.sshd_started(TITLE.format(words)) == probe.Started(config, settings)
        return
    with pytest.raises(probe.Trouble, match=r"sshd was started with|sshd does not say"):
        probe.sshd_started(TITLE.format(words))


def test_what_sshd_says_for_some_only_is_read(kept: Path) -> None:
    (kept / "d").mkdir()
    (kept / "d/a.conf").write_text("Match User x\nAuthorizedKeysFile /srv/k\n")
    config = kept / "sshd_config"
    config.write_text(
        f"Include {kept}/d/*.conf\nPasswordAuthentication no\nMatch Address 10.0.0.0/8\n  passwordauthentication yes # x\n"
    )
    files: dict[str, float] = {}
    loose: dict[str, str] = {}
    assert list(probe.matched(str(config), files, loose)) == [
        ("match User x", "authorizedkeysfile", "/srv/k"),
        ("match Address 10.0.0.0/8", "passwordauthentication", "yes"),
    ]
    assert set(files) == {str(config), str(kept / "d"), str(kept / "d/a.conf")}
    assert not loose


def test_a_file_of_sshds_that_others_can_change_is_not_read(kept: Path) -> None:
    """Not even one that is not there yet, and not by a link on the way."""
    config, open_to_all = kept / "sshd_config", kept / "open"
    open_to_all.mkdir()
    open_to_all.chmod(0o777)
    (open_to_all / "a.conf").write_text("Match all\nPasswordAuthentication yes\n")
    (kept / "linked").symlink_to(open_to_all)
    config.write_text(f"Include {open_to_all}/*.conf {kept}/linked/*.conf {kept}/o*/none.conf\n")
    loose: dict[str, str] = {}
    assert not list(probe.matched(str(config), {}, loose))
    assert set(loose) == {f"{open_to_all}", f"{open_to_all}/a.conf", f"{kept}/linked", f"{kept}/linked/a.conf"}
    loose.clear()
    config.write_text(f"Include {kept}/o*/none.conf\n")
    assert not list(probe.matched(str(config), {}, loose))
    assert set(loose) == {str(open_to_all)}
    assert set(loose.values()) == {str(open_to_all)}


def test_links_are_followed_only_where_root_made_them(kept: Path) -> None:
    (kept / "file").write_text("x")
    (kept / "near").symlink_to("file")
    (kept / "far").symlink_to(f"{kept}/../{kept.name}/near")
    (kept / "round").symlink_to("round")
    his = kept / "his"
    his.mkdir()
    (his / "up").symlink_to("../file")
    (his / "own").write_text("y")
    os.chown(his, NOBODY, NOBODY)
    assert probe.text_led(f"{kept}/far") == "x"
    assert probe.others_change(f"{kept}/far") == ""
    assert probe.text_led(f"{his}/own") == "y"
    assert probe.others_change(f"{his}/own") == str(his)
    assert probe.others_change(f"{his}/gone/too") == str(his)
    assert probe.others_change(f"{kept}/gone/too") == ""
    for path in (f"{his}/up", f"{kept}/round"):
        assert "is a link, and others than root can change it" in probe.others_change(path)
        with pytest.raises(probe.Trouble, match="is a link"):
            probe.text_led(path)


KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPhpnyjgZ1cFOoTcLQOASnLQYGW6m+s7Ec8p4p3Lrzxn x"


def linked_to_shadow(path: Path) -> None:
    path.symlink_to("/etc/shadow")


def piped(path: Path) -> None:
    os.mkfifo(path)


def to_the_kernels_words(path: Path) -> None:
    """Reading this would wait for the kernel's next word, and take it away from the journal."""
    path.symlink_to("/proc/kmsg")


def too_long(path: Path) -> None:
    path.write_text("x" * (probe.SMALL_FILE + 1))


def a_thousand_lines(path: Path) -> None:
    path.write_text("".join(f"nonsense {at}\n" for at in range(1000)))


@pytest.mark.parametrize("made", [linked_to_shadow, piped, to_the_kernels_words, too_long, a_thousand_lines])
def test_what_is_no_file_of_keys_is_one_that_nobody_knows(tmp_path: Path, made: Callable[[Path], None]) -> None:
    os.chown(tmp_path, NOBODY, NOBODY)
    person = pwd.struct_passwd(("nobody", "x", NOBODY, NOBODY, "", str(tmp_path), "/bin/sh"))
    keys = tmp_path / "keys"
    made(keys)
    changed = 0.0 if keys.is_symlink() else keys.lstat().st_ctime
    assert list(probe.keys_of(person, ["keys"])) == [
        {"user": "nobody", "file": str(keys), "fingerprint": "unreadable", "changed": changed}
    ]
    assert list(probe.keys_of(person, ["none", "%h/gone"])) == []


def test_nobody_is_told_when_what_an_account_links_to_was_changed(tmp_path: Path) -> None:
    """Nor that it is there: of its keys, or of what starts by itself for it; but when such a file of its own was."""
    home = Path(tempfile.mkdtemp(dir="/var/tmp"))
    try:
        units, hidden = home / ".config/systemd/user", tmp_path / "hidden"
        units.mkdir(parents=True)
        (home / "keys").symlink_to(hidden)
        (home / "mine").write_text("x\n")
        (units / "own.service").write_text("[Service]\nExecStart=/usr/bin/git pull\n")
        hidden.write_text("[Service]\nExecStart=/usr/bin/git pull\n")
        person = pwd.struct_passwd(("nobody", "x", NOBODY, NOBODY, "", str(home), "/bin/sh"))
        for path in (home, *home.rglob("*")):
            os.chown(path, NOBODY, NOBODY, follow_symlinks=False)
        told = [(row["fingerprint"], row["changed"]) for row in probe.keys_of(person, ["keys", "mine"])]
        assert told == [("unreadable", 0.0), ("unreadable", (home / "mine").stat().st_ctime)]
        assert probe.changed_led(str(units / "own.service")) == (units / "own.service").stat().st_ctime
        assert probe.changed_led(str(home / "gone")) == probe.changed_led(str(home / "keys")) == 0.0
    finally:
        shutil.rmtree(home)


def test_what_sshd_takes_is_told_by_whom_it_is_for(kept: Path) -> None:
    """By sshd itself, and each Match block as it is written."""
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", kept / "host"], check=True)
    Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    (kept / "sshd_config").write_text(
        f"HostKey {kept}/host\nKbdInteractiveAuthentication no\nTrustedUserCAKeys {kept}/ca.pub\n"
        f"Match  User root # the second factor\n  KbdInteractiveAuthentication yes\n"
        f"  AuthenticationMethods publickey,keyboard-interactive\nMatch Group dba\n  AuthorizedPrincipalsFile {kept}/%u\n"
    )
    told = probe.settings_told([probe.Started(f"{kept}/sshd_config")], {}, {})
    assert told[""]["kbdinteractiveauthentication"] == {"no"}
    assert told[""]["trustedusercakeys"] == {f"{kept}/ca.pub"}
    second = {"kbdinteractiveauthentication": {"yes"}, "authenticationmethods": {"publickey,keyboard-interactive"}}
    assert told["match User root"] == told["for root"] == second
    assert told["match Group dba"] == {"authorizedprincipalsfile": {f"{kept}/%u"}}


def test_who_signs_for_users_and_which_names_log_in_is_told_too(kept: Path) -> None:
    told = {"": {"trustedusercakeys": {f"{kept}/ca.pub"}}, "match User root": {"authorizedprincipalsfile": {f"{kept}/%u"}}}
    (kept / "ca.pub").write_text(f"# ours\n{KEY}\n")
    (kept / "root").write_text('# who\nops\nfrom="10.0.0.0/8" on-call\n$6$secret\n')
    rows = [(one["user"], one["file"], one["fingerprint"]) for one in probe.everybody(told) if one["file"].startswith(f"{kept}/")]
    assert rows == [
        *(("root", f"{kept}/root", mark) for mark in ("principal:on-call", "principal:ops", "unreadable")),
        ("@cert-authority", f"{kept}/ca.pub", probe.fingerprint_in(KEY)),
    ]
    (kept / "root").chmod(0o666)
    assert [one["fingerprint"] for one in probe.everybody(told) if one["file"] == f"{kept}/root"] == ["unreadable"]


def test_a_file_of_keys_is_read_where_it_is_one(tmp_path: Path) -> None:
    person = pwd.struct_passwd(("nobody", "x", NOBODY, NOBODY, "", str(tmp_path), "/bin/sh"))
    (tmp_path / "keys").write_text(f"# x\n\n{KEY}\n{KEY}\n")
    assert [row["fingerprint"][:7] for row in probe.keys_of(person, ["keys"])] == ["SHA256:"]


def test_a_title_of_many_words_is_read_whole() -> None:
    with calling_itself("x", ["sshd: a [listener]"], uid=0) as pid:
        assert probe.words_now(row_of(pid))[0] == "sshd: a [listener]"


STAT = b"# pxname,svname,status,weight,act,check_status,addr\nworkers,one,UP,1,1,L7OK,10.0.0.1:1\n"


@contextmanager
def answering(path: Path, answer: bytes) -> Iterator[None]:
    """Something of this very process that listens on a path, and answers once."""
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()

        def once() -> None:
            connection, _ = server.accept()
            with connection:
                if connection.recv(100):
                    connection.sendall(answer)

        thread = threading.Thread(target=once)
        thread.start()
        yield
        thread.join(10)


def haproxy_as(monkeypatch: pytest.MonkeyPatch, config: Path, *pids: int) -> dict[str, Any]:
    """What the probe hears where HAProxy is any Python of root's, and these processes are it."""
    program = os.path.realpath("/usr/bin/python3")
    monkeypatch.setitem(probe.DAEMONS, "haproxy", probe.Daemon((program,), "haproxy"))
    monkeypatch.setattr(probe, "words_now", lambda _row: ["haproxy", "-f", str(config)])
    rows = [row_of(pid, command="haproxy", unit="haproxy.service") for pid in pids]
    found: dict[str, Any] = probe.haproxy(probe.Job(lambda: rows))
    return found


def test_what_listens_in_haproxys_place_is_not_heard(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The real one runs; the socket that its configuration names is another's."""
    (kept / "cfg").write_text(f"global\n\tstats socket {kept}/socket mode 660\n")
    with calling_itself("haproxy", ["haproxy"], uid=0) as pid, answering(kept / "socket", STAT):
        found = haproxy_as(monkeypatch, kept / "cfg", pid)
    assert found["servers"] == []
    assert found["doubts"] == [f"{kept}/socket is listened on by something that is not HAProxy"]


def test_haproxy_itself_is_heard(kept: Path) -> None:
    with answering(kept / "socket", STAT):
        assert probe.haproxy_says(f"{kept}/socket", {os.getpid()}) == STAT.decode()


def test_what_a_server_says_of_its_health_makes_no_row_of_haproxys(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The words behind the status of a check are the server's own, whatever stands in them but the end of a line."""
    (kept / "cfg").write_text(f"stats socket {kept}/socket\n")
    words = "OK\v\f\x1c\x85\u2028other"
    row = f"workers,one,UP,1,1,L7OK,{words},10.0.0.1:1\n"
    monkeypatch.setattr(
        probe, "haproxy_says", lambda *_: f"# pxname,svname,status,weight,act,check_status,last_chk,addr\n{row}\n"
    )
    with calling_itself("haproxy", ["haproxy"], uid=0) as pid:
        found = haproxy_as(monkeypatch, kept / "cfg", pid)["servers"]
    assert [(one["backend"], one["name"], one["address"]) for one in found] == [("workers", "one", "10.0.0.1:1")]


def test_haproxy_by_a_file_of_others_is_not_asked(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (kept / "cfg").write_text(f"stats socket {kept}/socket\n")
    (kept / "cfg").chmod(0o666)
    with calling_itself("haproxy", ["haproxy"], uid=0) as pid:
        found = haproxy_as(monkeypatch, kept / "cfg", pid)
    assert (found["running"], found["servers"]) == (True, [])
    assert found["doubts"] == [f"HAProxy reads {kept}/cfg, and not only root can change {kept}/cfg"]


@pytest.mark.parametrize(
    ("name", "section"), [("haproxy", "haproxy"), ("nginx", "nginx"), ("chronyd", "clock"), ("ntpd", "clock")]
)
def test_whatever_is_asked_by_name_is_believed_by_more(name: str, section: str) -> None:
    with calling_itself(name, [f"{name}: master process /usr/sbin/{name}"]) as pid:
        rows = [row_of(pid, unit=f"{name}.service")]
        found = getattr(probe, section)(probe.Job(lambda: rows))
    assert found["doubts"] == [f"process {pid} of nobody calls itself {name}, and runs as nobody"]
    assert not found.get("running")
    assert not found.get("masters")
    assert not found.get("keepers")


def test_what_a_believed_one_started_is_no_impostor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(probe.DAEMONS, "sleep", OURS)
    with subprocess.Popen([SLEEPS, "60"], cwd="/") as master, subprocess.Popen([SLEEPS, "60"], cwd="/", user=NOBODY) as worker:
        rows = [row_of(worker.pid, ppid=master.pid), row_of(master.pid)]
        good, doubts = probe.believed("sleep", rows)
        worker.kill()
        master.kill()
    assert ([row["pid"] for row in good], doubts) == ([master.pid], [])


def test_every_file_of_nginx_is_looked_at(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    main = kept / "nginx.conf"
    monkeypatch.setattr(probe, "NGINX_CONFIG", str(main))
    main.write_text("include modules/*.conf; http { include 'sites/*'; # include no/*;\n}\n")
    for name in ("sites", "his"):
        (kept / name).mkdir()
    (kept / "sites/a").write_text(f"include {kept}/his/*;")
    (kept / "his/b").write_text("load_module /tmp/x.so;")
    (kept / "his").chmod(0o777)
    files = set(probe.nginx_files(str(main)))
    assert {str(kept / name) for name in ("nginx.conf", "modules", "sites", "sites/a", "his", "his/b")} <= files
    assert {text.rpartition(" ")[2] for text in probe.loose_files("nginx", files)} == {str(kept / "his")}


def test_only_folders_of_patterns_are_part_of_what_nginx_read(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is taken away from one shows in nothing else; beside a file that is named anybody may keep a copy."""
    monkeypatch.setattr(probe, "NGINX_CONFIG", str(kept / "nginx.conf"))
    for name in ("sites", "his", "conf.d"):
        (kept / name).mkdir()
    texts = {"a": f"include mime.types; include {kept}/his/one;\nhttp {{ include sites/*; }}", "b": "include conf.d/[a-z]*.conf;"}
    assert probe.nginx_folders(texts) == [str(kept / "conf.d"), str(kept / "sites")]


BUILT = "configure arguments: --prefix={0}/log --error-log-path={0}/log/e --http-log-path={0}/log/a"


def nginx_as(kept: Path, conf: str, monkeypatch: pytest.MonkeyPatch) -> tuple[dict[str, Any], str]:
    """What the section says of a configuration, and how the host's nginx was called: here a program that notes it."""
    (kept / "nginx").write_text(f"#!/bin/sh\necho $* >>{kept}/asked\necho '{BUILT.format(kept)}' >&2\n")
    (kept / "nginx").chmod(0o755)
    (kept / "log").mkdir(exist_ok=True)
    (kept / "nginx.conf").write_text(conf.format(kept))
    (kept / "asked").unlink(missing_ok=True)
    monkeypatch.setattr(probe, "NGINX", str(kept / "nginx"), raising=False)
    monkeypatch.setattr(probe, "NGINX_CONFIG", str(kept / "nginx.conf"))
    monkeypatch.setitem(probe.DAEMONS, "nginx", probe.Daemon((os.path.realpath("/usr/bin/python3"),), "nginx"))
    with calling_itself("nginx", ["nginx: master process /usr/sbin/nginx"], uid=0) as pid:
        rows = [row_of(pid, unit="nginx.service")]
        found = probe.guarded(lambda: probe.nginx(probe.Job(lambda: rows)))
    assert "value" in found, found
    return found["value"], (kept / "asked").read_text().replace("\n", " ").strip()


@pytest.mark.parametrize(
    ("conf", "opened"),
    [
        ("http {{ server {{ access_log {0}/his/a.log; }} }}", "a.log"),
        ("http {{ access_log '{0}/his/a.log' combined buffer=32k; }}", "a.log"),
        ("error_log {0}/his/e.log warn;", "e.log"),
        ("pid {0}/his/nginx.pid;", "nginx.pid"),
        ("http {{ proxy_temp_path {0}/his/tmp 1 2; }}", "tmp"),
        ("http {{ proxy_cache_path {0}/his/cache keys_zone=x:1m; }}", "cache"),
        ("http {{ access_log ../his/a.log; }}", "a.log"),
        ("http {{ access_log {0}/root-s-link.log; }}", ""),
    ],
)
def test_nginx_opens_nothing_as_root_where_others_choose_what_it_is(
    kept: Path, conf: str, opened: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (kept / "his").mkdir()
    os.chown(kept / "his", NOBODY, NOBODY)
    (kept / "root-s-link.log").symlink_to("his/x")
    found, asked = nginx_as(kept, conf, monkeypatch)
    assert asked == "-V"
    assert found["doubts"][0].endswith(f", and not only root can change {kept}/his")
    assert opened in found["doubts"][0]


def test_nginx_runs_no_module_that_others_can_change(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (kept / "x.so").touch()
    os.chown(kept / "x.so", NOBODY, NOBODY)
    found, asked = nginx_as(kept, "load_module {0}/x.so;", monkeypatch)
    assert (asked, found["doubts"]) == ("-V", [f"nginx opens {kept}/x.so, and not only root can change {kept}/x.so"])


@pytest.mark.parametrize(
    "conf",
    [
        "http {{ perl_modules {0}/his; perl_require X.pm; }}",
        "http {{ perl_modules {0}/lib; perl_require X.pm; }}",
        "http {{ perl_require {0}/his/X.pm; }}",
        "http {{ js_import main from {0}/his/x.js; }}",
        "http {{ js_import main from ./his/x.js; }}",
        "http {{ js_import x.js; }}",
        "http {{ init_by_lua_file {0}/his/x.lua; }}",
        'http {{ init_by_lua_block {{ dofile("{0}/his/x.lua") }} }}',
        "http {{ lua_package_path '/usr/share/lua/?.lua;{0}/his/?.lua;;'; }}",
        "http {{ server {{ ssl_certificate {0}/his/c.pem; }} }}",
        "http {{ server {{ location / {{ proxy_ssl_certificate_key {0}/his/pipe; }} }} }}",
        "http {{ server {{ listen unix:{0}/his/s; }} }}",
        "http {{ upstream x {{ server 10.0.0.1; state {0}/his/s; }} }}",
        "lock_file {0}/his/l;",
        "google_perftools_profiles {0}/his/p;",
        "what_nobody_knows on zone=x:{0}/his/x;",
    ],
)
def test_nginx_is_not_asked_where_any_word_of_its_may_lead_to_what_others_chose(
    kept: Path, conf: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("his", "lib"):
        (kept / name).mkdir()
    os.mkfifo(kept / "his/pipe")
    for name in ("his/x.js", "his/x.lua", "his/X.pm", "his/c.pem", "lib/X.pm", "x.js"):
        (kept / name).touch()
        os.chown(kept / name, NOBODY, NOBODY)
    os.chown(kept / "his", NOBODY, NOBODY)
    found, asked = nginx_as(kept, conf, monkeypatch)
    assert asked == "-V"
    assert str(kept) in found["doubts"][0].rpartition(" ")[2]


def test_nginx_is_asked_where_words_are_no_files_that_it_opens_as_root(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a site serves and hands on lies in folders of a service's, and requests and answers have words of any kind."""
    (kept / "his").mkdir()
    os.chown(kept / "his", NOBODY, NOBODY)
    (kept / "key.pem").touch()
    conf = """user www-data; events {{ worker_connections 768; }} http {{ types {{ text/html html; x/y {0}/his/t; }}
        map $uri $to {{ default {0}/his; ~^/a/(.*)$ {0}/his/$1; }} log_format x '$uri {0}/his/l'; gzip_types text/css;
        include conf.d/*.conf; upstream u {{ server unix:{0}/his/app.sock; server 10.0.0.1:80; }}
        server {{ listen 80 default_server; listen [::]:443 ssl; server_name x ~^/y; root {0}/his; ssl_certificate key.pem;
        ssl_certificate_key {0}/key.pem; ssl_ciphers A/B; index {0}/his/index.html; error_page 404 /tmp/404.html;
        location ~ ^{0}/his/(.*)$ {{ alias {0}/his/$1; try_files {0}/his/$uri /tmp/x =404; auth_basic_user_file {0}/his/p; }}
        location {0}/his {{ proxy_pass http://unix:{0}/his/app.sock:/tmp/; proxy_set_header X {0}/his; proxy_redirect /tmp/ /; }}
        if (-f {0}/his/down) {{ return 503 {0}/his; }} add_header Content-Security-Policy "report-uri /tmp/x"; set $d {0}/his;
        rewrite ^/x {0}/his last; fastcgi_param SCRIPT_FILENAME {0}/his$fastcgi_script_name; sub_filter </a> /tmp/b;
        ssl_certificate {0}/his/$ssl_server_name.pem; proxy_buffers 8 16k; resolver 127.0.0.53 valid=30s; } }}"""
    found, asked = nginx_as(kept, conf.replace("; } }}", "; }} }}"), monkeypatch)
    assert (asked, found["doubts"]) == ("-V -T", [])


def test_nginx_is_asked_where_it_logs_as_everywhere(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Logs and folders of the workers' own, in folders of root's; what is off, or goes elsewhere than to a file."""
    (kept / "log").mkdir()
    for path in (kept / "log/a", kept / "log/e"):
        path.touch()
        os.chown(path, NOBODY, NOBODY)
    (kept / "body").mkdir(mode=0o700)
    os.chown(kept / "body", NOBODY, NOBODY)
    (kept / "log/out").symlink_to("/dev/null")
    conf = (
        "pid /run/nginx.pid; error_log stderr; error_log {0}/log/e; http {{ client_body_temp_path {0}/body; access_log {0}/log/a;"
    )
    conf += " access_log {0}/log/out; access_log off; access_log syslog:server=unix:/dev/log;"
    conf += " access_log /var/$host/x;\n#access_log /tmp/x\n}}"
    found, asked = nginx_as(kept, conf, monkeypatch)
    assert (asked, found["doubts"]) == ("-V -T", [])


def test_where_nginx_logs_when_nothing_is_said_is_looked_at_too(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (kept / "log").mkdir()
    os.chown(kept / "log", NOBODY, NOBODY)
    found, asked = nginx_as(kept, "events {{}}", monkeypatch)
    assert asked == "-V"
    assert found["doubts"][0] == f"nginx opens {kept}/log/e, and not only root can change {kept}/log"


def test_what_a_link_on_the_way_leads_through_is_loose_too(kept: Path) -> None:
    """Who may change the folder that a link lies in chooses what is run or loaded, wherever it leads today."""
    his = kept / "his"
    his.mkdir()
    (kept / "program").write_text("x")
    (his / "link").symlink_to(kept / "program")
    (kept / "first").symlink_to(his / "link")
    (kept / "folder").symlink_to(his)
    (kept / "round").symlink_to("round")
    (kept / "plain").symlink_to(f"../{kept.name}/./program")
    os.chown(his, NOBODY, NOBODY)
    for path in ("first", "folder/link", "folder/gone", "folder/../program"):
        assert list(probe.loose_of(f"{kept}/{path}")) == [str(his)]
    for path in ("program", "plain", "gone", "round", "gone/../program"):
        assert list(probe.loose_of(f"{kept}/{path}")) == []
    (kept / "program").chmod(0o666)
    assert list(probe.loose_of(f"{kept}/plain")) == [f"{kept}/program"]


def test_what_an_access_list_lets_others_change_is_loose_too(kept: Path) -> None:
    """The mode shows what a list allows as the rights of root's group, in which nobody is: so a folder of units that the account
    which deploys may write into looked like root's alone.
    """
    (kept / "program").write_text("x")
    kept.chmod(0o775)
    (kept / "program").chmod(0o664)
    assert list(probe.loose_of(f"{kept}/program")) == []  # there is only root in root's group
    for path, right in ((kept, 5), (kept / "program", 4), (kept, 7), (kept / "program", 6)):
        rows = ((1, 7, -1), (2, right, pwd.getpwnam("games").pw_uid), (4, 5, -1), (16, 7, -1), (32, 5, -1))
        os.setxattr(path, "system.posix_acl_access", struct.pack("<I", 2) + b"".join(struct.pack("<HHi", *row) for row in rows))
        found = [str(kept), f"{kept}/program"] if right == 6 else [str(kept)] if right == 7 else []
        assert list(probe.loose_of(f"{kept}/program")) == found


def test_a_unit_that_others_than_root_can_change_has_no_hash(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And what is behind a link was changed when that was, not when the link was made."""
    etc, his = kept / "system", kept / "his"
    for folder in (etc / "a.service.d", his):
        folder.mkdir(parents=True)
    for path in (etc / "a.service", etc / "a.service.d" / "own.conf", his / "b.service", his / "c.conf", kept / "d.service"):
        path.write_text("[Service]\n")
    (etc / "b.service").symlink_to(his / "b.service")
    (etc / "m.service").symlink_to("/dev/null")
    (etc / "d.service").symlink_to(kept / "d.service")
    (etc / "a.service.d" / "c.conf").symlink_to(his / "c.conf")
    os.chown(his, NOBODY, NOBODY)
    monkeypatch.setattr(probe, "UNIT_FOLDERS", (str(etc),))
    told = probe.units([], probe.Job(probe.OnDisk), SimpleNamespace(rows=lambda _: [], listed=list))
    good = hashlib.sha256(b"[Service]\n").hexdigest()
    loose = "open to others than root"
    assert told["a.service"]["files"] == {
        f"{etc}/a.service": good,
        f"{etc}/a.service.d/c.conf": loose,
        f"{etc}/a.service.d/own.conf": good,
    }
    assert told["b.service"]["files"] == {f"{etc}/b.service": loose}
    assert told["d.service"]["files"] == {f"{etc}/d.service": good}
    assert told["m.service"]["files"] == {f"{etc}/m.service": "masked"}
    os.utime(kept / "d.service", (0, 0))
    assert probe.changed_at(f"{etc}/d.service") == (kept / "d.service").stat().st_ctime > (etc / "d.service").lstat().st_ctime
