"""What starts by itself is followed as far as whoever wrote it may look: the probe is root, and lends nobody its eyes."""

from __future__ import annotations

import json
import os
import pwd
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.built import PROBE, probe

WHO = "backup"
TABLE = f"/var/spool/cron/crontabs/{WHO}"
UNITS = "/var/backups/.config/systemd/user"
ALONE = "mount -t tmpfs -o mode=755 none /var/spool && mount -t tmpfs -o mode=755 none /var/backups && mkdir -p {} {} && "
LOADER = """
import json, sys
source = open(sys.argv[1], "rb").read()
names = {"PROGRAM": source, "__name__": "probe"}
exec(compile(source, "probe", "exec"), names)
names["unit_jobs"] = lambda *_: ()  # this machine may have no systemd
exec(sys.argv[2], names)
print(json.dumps(names["guarded"](lambda: names["jobs"]([], None, None))))
"""
pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


@pytest.fixture
def kept() -> Iterator[Path]:
    """A folder of root's that all may come to, and in it one that nobody may look into."""
    with tempfile.TemporaryDirectory(prefix="voxgate-", dir="/var/lib") as folder:
        place = Path(folder)
        place.chmod(0o755)
        (place / "priv").mkdir(mode=0o700)
        (place / "priv/notes").write_text("rsync a b; pip install x\n")
        (place / "priv/notes").chmod(0o755)
        yield place


def runs_by(setup: str, where: str, code: str = "") -> Any:
    """What the real program says that a job runs, or its error; the crontabs and the account's home are this test's alone."""
    shell = f'{ALONE.format(Path(TABLE).parent, UNITS)} {{ {setup}; }} && exec "$@"'
    argv = ["unshare", "--mount", "--propagation", "private", "sh", "-c", shell, "sh", sys.executable, "-I", "-c", LOADER]
    ended = subprocess.run([*argv, str(PROBE), code], capture_output=True, check=True, cwd="/")
    told = json.loads(ended.stdout)
    return told.get("error") or [row["runs"] for row in told["value"] if row["where"] == where]


def crontab(line: str, table: str = TABLE) -> str:
    return f"printf '%s\\n' '* * * * * {line}' >{table}"


def unit(command: str) -> str:
    return f"printf '[Service]\\nExecStart=%s\\n' '{command}' >{UNITS}/x.service"


def test_a_script_that_its_account_may_not_read_is_not_read(kept: Path) -> None:
    for command in (f"sh {kept}/priv/notes", f"{kept}/priv/notes", f"sh ../lib/{kept.name}/priv/notes"):
        assert runs_by(crontab(command), TABLE) == [[]], command
    assert runs_by(unit(f"/bin/sh {kept}/priv/notes"), f"{UNITS}/x.service") == [[]]
    assert runs_by(crontab(f"sh {kept}/priv/notes", TABLE.replace(WHO, "root")), TABLE.replace(WHO, "root")) == [["pip", "rsync"]]


@pytest.mark.parametrize("folder", ["/var/spool/cron/crontabs", "/var/spool/cron", "/var/spool/cron/tabs"])
def test_a_crontab_is_found_where_a_distribution_has_it(folder: str) -> None:
    table = f"{folder}/{WHO}"
    assert runs_by(f"mkdir -p {folder} && {crontab('rsync a b', table)}", table) == [["rsync"]]


AT = "/var/spool/cron/atjobs"


def test_a_link_among_the_jobs_of_at_or_cron_leads_root_nowhere(kept: Path) -> None:
    """The folder of at is an account's own on Debian."""
    made = f"mkdir {AT} && chown daemon {AT}"
    assert runs_by(f"{made} && echo 'rsync a b' >{AT}/job && chown {WHO} {AT}/job", f"{AT}/job") == [["rsync"]]
    assert runs_by(f"{made} && ln -s {kept}/priv/notes {AT}/job && chown -h daemon {AT}/job", f"{AT}/job") == []
    (kept / "priv/table").write_text("* * * * * rsync a b\n")
    assert runs_by(f"ln -s {kept}/priv/table {TABLE}", TABLE) == []


def test_no_line_of_a_job_is_a_comment_by_how_it_begins(kept: Path) -> None:
    """Where text in quotes, or a word, goes on from the line before, a shell runs what stands behind it."""
    for text in ('X="\\n#"; rsync a b', "true a\\\\\n#; rsync a b", "\\f#; rsync a b"):
        made = f"mkdir {AT} && printf '{text}\\n' >{AT}/job && chown {WHO} {AT}/job"
        assert runs_by(made, f"{AT}/job") == [["rsync"]], text
    (kept / "notes").write_text('#!/bin/sh\nX="\n#"; rsync a b\n')
    (kept / "notes").chmod(0o755)
    assert runs_by(crontab(f"{kept}/notes"), TABLE) == [["rsync"]]


def test_a_program_of_an_account_s_own_is_not_what_it_is_called(kept: Path) -> None:
    """However many folders it is looked for in."""
    (kept / "cat").write_text('#!/bin/sh\nexec "$@"\n')
    (kept / "cat").chmod(0o755)
    for first in ("", "".join(f"/nowhere/{number}:" for number in range(25))):
        made = f"printf '%s\\n' 'PATH={first}{kept}:/usr/bin' '* * * * * cat rsync a b' >{TABLE}"
        assert runs_by(made, TABLE) == [["rsync"]], first
    assert runs_by(crontab("cat rsync"), TABLE) == [[]]


def test_a_unit_of_an_account_s_names_what_it_runs_as_systemd_reads_it(kept: Path) -> None:
    """By letters written as numbers, by its own name, by a variable of its, also from what is dropped in to it."""
    for command in ("/usr/bin/r\\x73ync a b", "/usr/bin/r\\163ync a b", "/usr/bin/r\\u0073ync a b"):
        assert runs_by(unit(command), f"{UNITS}/x.service") == [["rsync"]], command
    named = f"printf '[Service]\\nExecStart=/usr/bin/%%p a b\\n' >{UNITS}/rsync.service"
    assert runs_by(named, f"{UNITS}/rsync.service") == [["rsync"]]
    (kept / "job").write_text("#!/bin/sh\nrsync a b\n")
    (kept / "job").chmod(0o755)
    for command, place in (
        (f"%h/../lib/{kept.name}/job", ""),
        ("/bin/sh job", f"%h/../lib/{kept.name}"),
        (f"/bin/sh %V/../lib/{kept.name}/job", ""),
    ):
        told = f"{unit(command)} && echo WorkingDirectory={place} >>{UNITS}/x.service"
        assert runs_by(told, f"{UNITS}/x.service") == [["rsync"]], command
    by_variable = unit("/usr/bin/env ${X} a b")
    dropped_in = f"{UNITS}/x.service.d"
    for more in (
        f"printf 'Environment=A=b \"X=rsync\"\\n' >>{UNITS}/x.service",
        f"mkdir {dropped_in} && printf '[Service]\\nEnvironment=X=rsync\\n' >{dropped_in}/y.conf",
    ):
        assert runs_by(f"{by_variable} && {more}", f"{UNITS}/x.service") == [["rsync"]], more
    told = f"{unit('/usr/bin/true')} && printf 'Environment=X=rsync GIT_DIR=/srv/git\\n' >>{UNITS}/x.service"
    assert runs_by(told, f"{UNITS}/x.service") == [[]]


USER_RUN = f"/run/user/{pwd.getpwnam(WHO).pw_uid}/systemd"


@pytest.mark.parametrize(
    "path",
    [f"{UNITS}/x.service.d/y.conf", f"{UNITS}/service.d/y.conf", f"{UNITS}.control/x.service", f"{USER_RUN}/user/x.service",
     f"{USER_RUN}/transient/run-x.service", f"{USER_RUN}/user.control/x.service.d/50-y.conf",
     "/etc/systemd/user/x.service.d/y.conf", f"{UNITS}/a.socket", f"{UNITS}/a.socket.d/y.conf", f"{UNITS}/srv.mount",
     f"{UNITS}/mount.d/y.conf", f"{USER_RUN}/generator/x.service", f"{USER_RUN}/generator.early/x.service",
     f"{USER_RUN}/generator.late/x.socket", "/etc/xdg/systemd/user/x.service", "/run/systemd/user/x.service"],
)  # fmt: skip
def test_a_unit_of_an_accounts_is_seen_wherever_its_systemd_finds_it(kept: Path, path: str) -> None:
    """As `systemd-run --user --on-calendar` and `systemctl --user edit` leave them."""
    script = f"{kept}/job.sh"
    Path(script).write_text("rsync a b\n")
    away = " && ".join(f"mount -t tmpfs -o mode=755 none {one}" for one in ("/run", "/etc/systemd", "/etc/xdg"))
    made = (
        f'{away} && mkdir -p {Path(path).parent} && printf \'[Service]\\nExecStart=\\nExecStart="/bin/sh" "{script}"\\n\' >{path}'
    )
    assert runs_by(made, path) == [["rsync"]]


def test_a_command_of_a_unit_is_no_text_of_a_shell_whatever_kind_it_is(kept: Path) -> None:
    for name in ("x.service", "a.socket"):
        made = f"printf '[X]\\nExecStartPre=/usr/bin/env -S echo # rsync a b\\n' >{UNITS}/{name}"
        assert runs_by(made, f"{UNITS}/{name}") == [["rsync"]]


def test_a_file_beside_the_units_and_one_without_commands_is_no_job(kept: Path) -> None:
    made = f"printf '[Service]\\nExecStart=rsync a b\\n' | tee {UNITS}/x.service.bak {UNITS}/x.service~ >{UNITS}/notes"
    for name in ("x.service.bak", "x.service~", "notes"):
        assert runs_by(made, f"{UNITS}/{name}") == []
    assert runs_by(f"printf '[Timer]\\nUnit=rsync.service\\n' >{UNITS}/x.timer", f"{UNITS}/x.timer") == []


def test_a_variable_before_a_command_is_no_setting_in_a_script(kept: Path) -> None:
    away = "mount -t tmpfs -o mode=755 none /opt && mkdir /opt/etc && cp -a /etc/. /opt/etc && mount --bind /opt/etc /etc"
    script = "#!/bin/sh\nA=1 git -C /opt/app pull\nexit 0\n"
    made = f"{away} && printf '{script}' >/etc/rc.local"
    assert ["git"] in runs_by(made, "/etc/rc.local")


@pytest.mark.parametrize("end", ["\\v", "\\f", "\\034", "\\302\\205"])
def test_no_comment_begins_in_the_middle_of_a_command(kept: Path, end: str) -> None:
    """For cron and the shell none of these ends a line, and what is behind a semicolon runs."""
    assert runs_by(f"printf '* * * * * x{end}# ;rsync a b\\n' >{TABLE}", TABLE) == [["rsync"]]
    written = f"printf '[Service]\\nExecStart=/bin/sh -c \"x{end}# ;rsync a b\"\\n' >{UNITS}/x.service"
    assert runs_by(written, f"{UNITS}/x.service") == [["rsync"]]


@pytest.mark.parametrize(
    "text",
    [r"ExecStart=/bin/sh -c \\\n  \"rsync a b\"\n", r"ExecStart=/bin/sh \\\n# a comment\n; another\n -c \\\r\n \"rsync a b\"\n",
     r"Environment=A=1\rExecStart=rsync a b\n", r"ExecStart=/bin/true\nExecStop=rsync \\\n"],
)  # fmt: skip
def test_a_unit_is_read_as_systemd_reads_it(kept: Path, text: str) -> None:
    assert runs_by(f"printf '[Service]\\n{text}' >{UNITS}/x.service", f"{UNITS}/x.service") == [["rsync"]]


def test_nor_by_a_link_of_its_own_nor_a_unit_behind_one(kept: Path) -> None:
    link = f"ln -s {kept}/priv/notes /var/backups/tidy && chown -h {WHO} /var/backups/tidy"
    assert runs_by(f"{link} && {crontab('sh ~/tidy')}", TABLE) == [[]]
    (kept / "priv/x.service").write_text("ExecStart=/usr/bin/rsync a b\n")
    assert runs_by(f"ln -s {kept}/priv/x.service {UNITS}/x.service", f"{UNITS}/x.service") in ([], [[]])


def test_no_word_is_confirmed_by_a_folder_that_may_not_be_looked_into(kept: Path) -> None:
    alone = f"SCRIPTS_AT_MOST = 0; all_of = cron_jobs; cron_jobs = lambda: (row for row in all_of() if row[0] == {TABLE!r})"
    there, gone = (runs_by(crontab(f"../lib/{kept.name}/priv/{name}"), TABLE, alone) for name in ("notes", "no"))
    assert there == gone == [[]]


def test_what_an_account_may_read_or_run_is_followed_still(kept: Path) -> None:
    script, program = kept / "tidy", kept / "program"
    script.write_text("git pull\n")
    os.chown(script, 0, pwd.getpwnam(WHO).pw_gid)
    script.chmod(0o640)
    program.write_bytes(Path("/usr/bin/git").read_bytes())
    program.chmod(0o711)
    assert runs_by(crontab(f"sh {script}"), TABLE) == [["git"]]
    assert runs_by(crontab(f"{program} pull"), TABLE) == [["git"]]
    own = f"mkdir -m 700 /var/backups/a && cp {script} /var/backups/a && chown -R {WHO} /var/backups/a"
    assert runs_by(f"{own} && {crontab('sh a/tidy')}", TABLE) == [["git"]]


@pytest.mark.parametrize(("owner", "mode"), [(WHO, 0o755), ("root", 0o777)])
def test_roots_job_that_comes_to_anothers_words_goes_on_with_that_ones_eyes(kept: Path, owner: str, mode: int) -> None:
    his, table = kept / "his", TABLE.replace(WHO, "root")
    his.write_text(f"git pull; sh {kept}/priv/notes\n")
    os.chown(his, pwd.getpwnam(owner).pw_uid, 0)
    his.chmod(mode)
    assert runs_by(crontab(f"sh {his}", table), table) == [["git"]]


def test_an_error_names_what_was_asked_for(kept: Path) -> None:
    (kept / "priv/very-secret-name").write_text("x" * (probe.SCRIPT_BYTES + 1))
    (kept / "link").symlink_to(kept / "priv/very-secret-name")
    table = TABLE.replace(WHO, "root")
    told = runs_by(crontab(f"sh {kept}/link", table), table)
    assert told["text"] == f"{kept}/link: a script of over {probe.SCRIPT_BYTES} bytes"


def test_the_rights_of_another_are_this_threads_and_end(kept: Path) -> None:
    before, uid = os.getgroups(), pwd.getpwnam(WHO).pw_uid
    with probe.seeing_as(uid):
        assert probe.seen_as() == uid
        assert not os.path.lexists(kept / "priv/notes")
        with probe.seeing_as(0):
            assert (kept / "priv/notes").read_text()
        assert not os.path.lexists(kept / "priv/notes")
    with pytest.raises(ZeroDivisionError), probe.seeing_as(uid):
        1 / 0  # noqa: B018 - it ends as anything does
    assert (probe.seen_as(), os.getgroups()) == (0, before)
    assert (kept / "priv/notes").read_text()


def able() -> dict[str, str]:
    """The capabilities of this thread, as the kernel shows them."""
    lines = Path("/proc/thread-self/status").read_text("ascii").splitlines()
    return dict(line.split(":\t") for line in lines if line.startswith("Cap"))


def test_no_capability_is_lent_with_an_accounts_eyes(kept: Path) -> None:
    """The kernel shows by /proc where another's process stands to whoever has one of them, whatever its rights to files."""
    inner = kept / "priv/inner"
    inner.mkdir()
    (inner / "hidden.service").write_text("[Service]\nExecStart=/usr/bin/rsync a b\n")
    ours = able()
    with subprocess.Popen(["sleep", "60"], cwd=inner) as standing:
        try:
            with probe.seeing_as(pwd.getpwnam(WHO).pw_uid):
                assert int(able()["CapEff"], 16) == 0
                with pytest.raises(PermissionError):
                    list(Path(f"/proc/{standing.pid}/cwd").iterdir())
                with probe.seeing_as(0):
                    assert able() == ours
                    assert [path.name for path in Path(f"/proc/{standing.pid}/cwd").iterdir()] == ["hidden.service"]
                assert int(able()["CapEff"], 16) == 0
            assert able() == ours
            link = f"rmdir {UNITS} && ln -s /proc/{standing.pid}/cwd {UNITS}"
            assert runs_by(link, f"{UNITS}/hidden.service") == []
        finally:
            standing.kill()


def test_where_capabilities_cannot_be_given_up_nothing_is_seen_by_borrowed_eyes(
    kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (kept / "priv/known").touch()

    def looked() -> list[Path]:
        with probe.seeing_as(pwd.getpwnam(WHO).pw_uid):
            return list(kept.iterdir())

    monkeypatch.setattr(probe, "CAPABILITIES", 0, raising=False)
    error = probe.Job(lambda: probe.guarded(looked)).value()["error"]  # in a thread of its own: it is nobody from now on
    assert "cannot be taken" in error["text"]


def test_where_an_account_s_groups_cannot_be_taken_nothing_is_seen_by_its_eyes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor by what follows in that thread: it was that account from then on, without its groups."""

    def looked() -> tuple[int, int]:
        with pytest.raises(probe.Trouble, match="cannot be taken"), probe.seeing_as(pwd.getpwnam(WHO).pw_uid):
            pass
        return probe.seen_as(), Path("/proc/thread-self/status").read_text("utf-8").count("CapEff:\t0000000000000000\n")

    monkeypatch.setattr(probe, "SETGROUPS", {}, raising=False)
    assert probe.Job(looked).value() == (probe.NOBODY, 1)


def roots_timer(command: str, folder: Path, user: str = WHO) -> Any:
    """What a service that a timer of root's starts is said to run, its way followed as in the real program."""
    rows = f"[(Planned('nightly.timer starts nightly.service', {user!r}, {command!r}), False)]"
    return runs_by(f"cd {folder}", "nightly.timer starts nightly.service", f"unit_jobs = lambda *_: {rows}")


@pytest.fixture
def his(kept: Path) -> Path:
    """A folder of the account's own, where root's units and jobs run something."""
    folder = kept / "his"
    folder.mkdir()
    os.chown(folder, pwd.getpwnam(WHO).pw_uid, 0)
    return folder


@pytest.mark.parametrize(
    ("planted", "command"),
    [
        ("ln -s {0}/priv/notes {0}/his/job", "/bin/sh {0}/his/job"),
        ("ln -s {0}/priv/notes {0}/his/job", "{0}/his/job -m x"),
        ("ln -s {0}/priv {0}/his/folder", ". {0}/his/folder/notes"),
        ("ln -s ../his/a/../../priv {0}/his/b; mkdir {0}/his/a", "{0}/his/b/notes"),
        ("ln -s {0}/his/one {0}/root-s; ln -s {0}/priv/notes {0}/his/one", "sh {0}/root-s"),
        ("mkdir {0}/open; chmod 777 {0}/open; ln -s {0}/priv/notes {0}/open/x", "sh {0}/open/x"),
        ("mkdir {0}/open; chmod 1777 {0}/open; ln -s {0}/priv/notes {0}/open/x", "sh {0}/open/x"),
        ("echo 'rsync a b' >{0}/his/sealed; chmod 600 {0}/his/sealed", "sh {0}/his/sealed"),
    ],
)
def test_no_way_of_roots_leads_it_on_by_anothers_folder(kept: Path, his: Path, planted: str, command: str) -> None:
    subprocess.run(["sh", "-c", planted.format(kept)], check=True)
    command = command.format(kept)
    assert roots_timer(command, kept) == [[]]
    table = TABLE.replace(WHO, "root")
    assert runs_by(crontab(command, table), table) == [[]]


def test_roots_jobs_are_followed_through_anothers_folder_as_far_as_he_may_look(kept: Path, his: Path) -> None:
    (his / "tidy").write_text("git pull\n. ./more\n")
    (his / "more").write_text("rsync a b\n")
    (his / "python").symlink_to("/usr/bin/git")
    (kept / "all").write_text("pip install x\n")
    (his / "there").symlink_to("../all")
    for path in (his / "tidy", his / "more"):
        os.chown(path, pwd.getpwnam(WHO).pw_uid, 0)
        path.chmod(0o700)
    assert roots_timer(f"/bin/sh {his}/tidy", kept) == [["git", "rsync"]]
    assert roots_timer(f"{his}/python -m x", kept) == [["git"]]
    assert roots_timer(f"sh {his}/there", kept) == [["pip"]]
    assert roots_timer(f"sh {kept}/priv/notes", kept, "root") == [["pip", "rsync"]]


def test_neither_account_leads_by_the_others_eyes(kept: Path, his: Path) -> None:
    """What another's job runs in his folder leads only to what both may see, and the other way round."""
    (kept / "mail").write_text("rsync a b\n")
    (his / "own").write_text("git pull\n")
    os.chown(kept / "mail", pwd.getpwnam("mail").pw_uid, 0)
    os.chown(his / "own", pwd.getpwnam(WHO).pw_uid, 0)
    for path in (kept / "mail", his / "own"):
        path.chmod(0o400)
    (his / "link").symlink_to("../mail")
    table = TABLE.replace(WHO, "mail")
    assert runs_by(crontab(f"sh {kept}/mail", table), table) == [["rsync"]]
    for command in (f"sh {his}/link", f"sh {his}/own"):
        assert runs_by(crontab(command, table), table) == [[]], command


def test_a_folder_that_a_group_may_write_in_is_its_members_too(kept: Path) -> None:
    folder = kept / "group"
    folder.mkdir()
    (folder / "link").symlink_to("../priv/notes")
    group = pwd.getpwnam(WHO).pw_gid  # its own, which it alone is in
    os.chown(folder, 0, group)
    for mode, runs in ((0o2775, []), (0o2755, ["pip", "rsync"])):
        folder.chmod(mode)
        assert roots_timer(f"sh {folder}/link", kept, "root") == [runs]
    os.chown(folder, 0, 0)
    folder.chmod(0o775)
    assert roots_timer(f"sh {folder}/link", kept, "root") == [["pip", "rsync"]]


def test_a_table_of_roots_behind_a_link_of_anothers_is_read_as_he_may(kept: Path, his: Path) -> None:
    (kept / "priv/table").write_text("* * * * * root rsync a b\n")
    (his / "table").symlink_to("../priv/table")
    (kept / "table").symlink_to("his/table")
    told = probe.guarded(lambda: probe.lines_on(str(kept / "table")))
    assert told["error"] == {"kind": "denied", "text": f"{kept}/table: Permission denied"}
    (kept / "priv").chmod(0o755)
    assert probe.lines_on(str(kept / "table")) == ["* * * * * root rsync a b"]


def test_a_word_counts_as_a_file_only_where_he_who_led_to_it_may_see_it(kept: Path, his: Path) -> None:
    """Else a script with as many words as may be told by its error whether one more is there."""
    (his / "folder").symlink_to("../priv")
    seen: set[str] = set()
    assert probe.movers("sh folder/notes; sh folder/no", seen=seen, stands=(str(his),)) == set()
    assert not [path for path in seen if "/folder/" in path]


@pytest.mark.parametrize(
    "rows",
    [
        ("A=rsync a b", "* * * * * $A"),
        ("'A' = 'rsync a b'", "B=${A}", '@reboot sh -c "$B"'),
        ("SHELL={kept}/job", "* * * * * anything"),
        ("PATH={kept}:/usr/bin", "* * * * * cd / && job -v"),
        ("SHELL=/usr/bin/../../{kept}/job", "* * * * * anything"),
        ("SHELL=/usr/bin/python3", '* * * * * echo = "rsync a b"; import os; os.system(echo)'),
        ("HOME={kept}", "* * * * * ./job"),
        ("HOME={kept}", "* * * * * ~/job"),
        ("HOME={kept}/..", "PATH={name}:/usr/bin", "* * * * * true; job"),
        ("PATH=../lib/{name}", "@daily job"),
    ],
    ids=[
        "a variable", "one in another", "a shell", "a path", "a shell by dots", "a reader that is no shell", "a home",
        "a file at that home", "a path from that home", "a path from a home",
    ],
)  # fmt: skip
def test_what_a_crontab_sets_is_followed(kept: Path, rows: tuple[str, ...]) -> None:
    """Cron gives these to what it starts, and a shell runs what they say."""
    (kept / "job").write_text("#!/bin/sh\nrsync a b\n")
    (kept / "job").chmod(0o755)
    told = [row.format(kept=kept, name=kept.name, A="{A}") for row in rows]
    written = " && ".join(f"printf '%s\\n' {shlex.quote(row)} >>{TABLE}" for row in told)
    assert runs_by(written, TABLE) == [["rsync"]]


@pytest.mark.parametrize(
    "command",
    [
        "cd {kept} && ./job",
        "cd ..; cd -- lib/{name}; sh job",
        "cd /; cd var; cd lib; cd {name} || exit; ./job",
        "env -C {kept} ./job",
        "run-parts --report {kept}",
        "PATH={kept}/bin:/bin cat {kept}/job",
        "export PATH={kept}/bin:$PATH; cat {kept}/job",
        "cp /usr/bin/rsync /tmp/x; /tmp/x a b",
        "echo rsync a b >{kept}/x.log; nice sh {kept}/x.log",
        'hash -p {kept}/bin/cat echo; echo "rsync a b"',
    ],
)
def test_a_job_is_followed_to_where_it_goes(kept: Path, command: str) -> None:
    """Into the folder that it goes to before it starts what lies there, as most crontabs do, and by the names that it gives."""
    (kept / "job").write_text("#!/bin/sh\nrsync a b\n")
    (kept / "job").chmod(0o755)
    assert runs_by(crontab(command.format(kept=kept, name=kept.name).replace("%", "")), TABLE) == [["rsync"]]
    if "cd " in command:
        told = f"{unit('/bin/sh job')} && echo WorkingDirectory={kept} >>{UNITS}/x.service"
        assert runs_by(told, f"{UNITS}/x.service") == [["rsync"]]


def test_a_long_script_that_goes_here_and_there_is_read(kept: Path) -> None:
    goes = "\n".join(f"cd a{number}" for number in range(300))
    (kept / "job").write_text(f"#!/bin/sh\n{goes}\nrsync a b\n")
    (kept / "job").chmod(0o755)
    assert runs_by(crontab(f"{kept}/job"), TABLE) == [["rsync"]]


@pytest.mark.parametrize(
    "command",
    ["cd {kept}/bin && ./job", "run-parts /etc/cron.daily", "PATH=$PATH:{kept} echo rsync", "cp /bin/rsyncd /tmp; ls /srv/git"],
)
def test_a_job_that_goes_elsewhere_runs_nothing_there(kept: Path, command: str) -> None:
    (kept / "job").write_text("#!/bin/sh\nrsync a b\n")
    (kept / "job").chmod(0o755)
    assert runs_by(crontab(command.format(kept=kept)), TABLE) == [[]]


@pytest.mark.parametrize("size", [70_000, 1_000_000])
def test_no_value_of_a_crontab_hides_what_stands_behind_it_or_fills_the_memory(size: int) -> None:
    settings = {"A": "x" * size, "B": "rsync"}
    for row in ("$A; $B a b", "$A" * 20_000):
        with pytest.raises(probe.Trouble, match="a row of a crontab: over"):
            probe.as_started(row, settings, "nobody")
    assert probe.as_started("$B a b", settings, "nobody") == "rsync a b"


def test_what_a_crontab_sets_and_nobody_uses_is_nothing(kept: Path) -> None:
    """The mail's receiver, a usual shell, a folder of a service in which no program is called so: ordinary crontabs say that. Nor
    is a variable known above its row.
    """
    rows = (
        "* * * * * $A",
        "MAILTO=git@x.example",
        "SHELL=/bin/bash",
        f"PATH={kept}/priv:/opt/vox-agents/bin:/usr/bin",
        "A=rsync",
        "@daily true",
    )
    written = " && ".join(f"printf '%s\\n' {shlex.quote(row)} >>{TABLE}" for row in rows)
    assert runs_by(written, TABLE) == [[], []]
    (kept / "priv/true").write_text("#!/bin/sh\nrsync a b\n")  # in a folder that the account may not look into
    (kept / "priv/true").chmod(0o755)
    assert runs_by(written, TABLE) == [[], []]


@pytest.mark.parametrize("top", ["/opt", "/mnt"])
def test_the_units_of_an_account_count_wherever_its_home_is(top: str) -> None:
    path = f"{top}/joe/.config/systemd/user/x.service"
    setup = (
        f"sed 's|:/var/backups:|:{top}/joe:|' /etc/passwd >/var/spool/passwd && mount --bind /var/spool/passwd /etc/passwd"
        f" && mount -t tmpfs -o mode=755 none {top} && mkdir -p {Path(path).parent}"
        f" && printf '[Service]\\nExecStart=rsync a b\\n' >{path}"
    )
    assert runs_by(setup, path) == [["rsync"]]


@pytest.mark.parametrize("top", ["/usr/local", "/etc"])
def test_units_of_a_home_among_roots_own_folders_lead_no_further_than_the_accounts_eyes(kept: Path, top: str) -> None:
    path = f"{top}/joe/.config/systemd/user/x.service"
    setup = (
        f"sed 's|:/var/backups:|:{top}/joe:|' /etc/passwd >/var/spool/passwd && cp /etc/group /var/spool/group"
        f" && mount -t tmpfs -o mode=755 none {top} && cp /var/spool/group {top} && cp /var/spool/passwd {top}"
        f"{' && mount --bind /var/spool/passwd /etc/passwd' if top != '/etc' else ''} && mkdir -p {Path(path).parent}"
        f" && printf '[Service]\\nExecStart=/bin/sh {kept}/%s/notes\\n' priv >{path}"
    )
    assert runs_by(setup, path) == [[]]
    (kept / "priv").chmod(0o755)
    assert runs_by(setup, path) == [["pip", "rsync"]]
