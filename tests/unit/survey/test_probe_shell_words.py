"""What a job's text runs or touches: not what it only tells somebody, and not its comments; of all else, everything."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.built import probe

FOLDERS = ("/opt/vox-backend",)
TELLS = {
    "a comment behind a command": "true  # pulls nothing: git, rsync",
    "the subject of a mail": 'du -sh /var/log | mail -s "logs, git, backups" ops@x.example',
    "a subject in quotes of the other kind": "mailx -s 'git and rsync' ops@x.example </dev/null",
    "an echo": 'echo "rsync of recordings: done"',
    "an echo in a loop, into a log": 'for x in a b; do echo "git $x $(date +%F)" >>/var/log/x.log 2>&1; done',
    "a line of the system's log": "logger -t backup rsync done",
    "a post to a chat": 'curl -fsS -d "text=git backup done" https://hooks.example/x',
    "files by programs of the system's": "/bin/tar -C /srv -czf /b/Full.tgz --totals git && /usr/bin/cp git /a",
    "a name of a file": "tar czf /backup/x.tgz -C /srv git && chown -R git /srv/x",
    "a condition": 'if [ "$1" = git ]; then printf "%s\\n" "no git here" >&2; fi',
    "a comment with quotes in a text that is not understood": "case x in x) :;; esac\n# don't use \"git\" here, it's `rsync`\n",
    "a folder that is only told": 'echo "look into /opt/vox-backend"',
}
RUNS = {
    "cd /x && git pull  # as ever": {"git"},
    'echo "git pull" | sh': {"git"},
    'echo "git pull" |\nsh': {"git"},
    "{ echo git pull; } | bash": {"git"},
    "( echo rsync a b ) | at now": {"rsync"},
    'echo "git pull" >/tmp/x; sh /tmp/x': {"git"},
    "{ echo git pull; } >/tmp/x; . /tmp/x": {"git"},
    "echo git pull >/tmp/vox-x; /tmp/vox-x": {"git"},
    "cd /tmp && printf 'git pull' >'vox-x' && ./vox-x -a": {"git"},
    "exec >/tmp/x; echo git pull; sh /tmp/x": {"git"},
    "$(echo git) pull": {"git"},
    "x() { echo git pull; }; $(x)": {"git"},
    "x() { echo git pull; }; y=$(x); $y": {"git"},
    'echo () { "$@"; }; echo git pull': {"git"},
    "alias echo=; echo git pull": {"git"},
    "echo `git pull`": {"git"},
    'echo "$(git pull)"': {"git"},
    "printf -v x git; $x pull": {"git"},
    "sh <<END\necho x\ngit pull\nEND": {"git"},
    "cat <<'END'\nit's\nEND\ntrue # ' ; git pull #": {"git"},
    'true "a # b"; git pull': {"git"},
    "eval 'true #'; git pull": {"git"},
    "true a#b; git pull": {"git"},
    "curl -d x https://x; git pull": {"git"},
    "mail -s x ops@x.example; git pull": {"git"},
    "tar czf /b/env.tgz /opt/vox-backend/.env": {"/opt/vox-backend"},
    "find /opt/vox-backend/tmp -mtime +3 -delete": {"/opt/vox-backend"},
    "tar c --to-command='git apply' x": {"git"},
    "nice git pull": {"git"},
    "su deploy -c 'cd /x; git pull'": {"git"},
    'X="\n#"; git pull': {"git"},
    "X='\n #' git pull": {"git"},
    "X=`\n#`; case x in x) ;; esac; git pull": {"git"},
    "cat <<'END'\n'\nEND\nX='\n#'; git pull": {"git"},
    "true a\\\n#; git pull": {"git"},
    "cp x '\n#' /opt/vox-backend/": {"/opt/vox-backend"},
    'g"i"t pull': {"git"},
    "rsy\\nc a b": {"rsync"},
    "python3 -mpip install x": {"pip"},
    "python3 -Impip install x": {"pip"},
    "X=git; $X pull": {"git"},
    "X=true; X=git; ${X} pull; X=true": {"git"},
    "cp x /opt//vox-backend/./a": {"/opt/vox-backend"},
    'cp x /opt/"vox"-backend/a': {"/opt/vox-backend"},
    "D=/opt; cp x $D/vox-backend/": {"/opt/vox-backend"},
    'export D="/opt/"\ncp x "${D}vox-backend"': {"/opt/vox-backend"},
    "cp x /opt/vox-*/": {"/opt/vox-backend"},
    "D=/a; D=/b; D=/c; D=/opt; cp x $D/vox-backend; D=/d": {"/opt/vox-backend"},
    "D=/opt; E=x; E=vox-backend; cp x $D/$E; D=/a": {"/opt/vox-backend"},
    f"ls {' '.join(f'/a*/{number}' for number in range(1000))}; cp x /opt/vox-b*/": {"/opt/vox-backend"},
    "tar -I 'git apply' -cf /dev/null x": {"git"},
    "tar cIf git /dev/null x": {"git"},
    "tar --to-com git -xf x.tar": {"git"},
    "zip -T -TT 'git apply' x.zip y": {"git"},
    "/home/eve/bin/cat git pull": {"git"},
    "/home/eve/bin/echo git pull": {"git"},
    "echo '~!git pull' | mailx -~ root": {"git"},
    "cp x /opt/{vox-agents,vox-backend}/a": {"/opt/vox-backend"},
    "cd /opt && tar -xf /x.tgz vox-backend": {"/opt/vox-backend"},
    "tar -C /opt -xf /x.tgz ./vox-backend/a": {"/opt/vox-backend"},
}
NAMES_NONE = {
    "all that lies beside": "du -sh /opt/*",
    "another of that beginning": "cp x /opt/vox-backend-old/a; ls /opt/vox-b",
    "its name elsewhere": "tar czf /b/vox-backend.tgz /var/log; cd /srv && ls vox-backend; logger vox-backend",
    "the folder above": "cd /opt && ls; find /opt -name '*.log' -delete",
}


@pytest.mark.parametrize("case", TELLS)
def test_what_is_only_told_or_named_is_run_by_nobody(case: str) -> None:
    assert probe.movers(TELLS[case], FOLDERS, of_shell=True) == set()


@pytest.mark.parametrize("case", NAMES_NONE)
def test_what_is_no_name_of_a_folder_s_names_none(case: str) -> None:
    assert probe.movers(NAMES_NONE[case], FOLDERS, of_shell=True) == set()


def test_values_that_a_text_sets_take_no_memory() -> None:
    """Nor does a pattern of any length take time."""
    assert len(probe.spelled(f"A={'x' * 256}\n" + "$A" * 10_000)) < 4_000_000
    with pytest.raises(probe.Trouble):
        probe.spelled(f"A={'x' * 256}\n" + "$A" * 200_000)
    assert probe.folders_in(("/opt/" + "*a" * 120 + "b ") * 2000, FOLDERS) == set()


@pytest.mark.parametrize("text", RUNS)
def test_what_is_run_is_found_beside_what_is_told(text: str) -> None:
    assert probe.movers(text, FOLDERS, of_shell=True) == RUNS[text]
    assert probe.movers(text, FOLDERS) >= RUNS[text]


@pytest.mark.parametrize(
    "text", ["'", '"', "$(", "${x", "$((", "`", "(", ")", "\\", "a >", "case x in x) git;; esac", "(" * 5000]
)
def test_of_what_is_not_understood_all_counts(text: str) -> None:
    assert probe.movers(f"{text} # git", of_shell=True) == {"git"}


def test_only_what_a_shell_reads_is_read_as_its_text(tmp_path: Path) -> None:
    """For systemd no comment begins in the middle of a line, and another interpreter has its own language."""
    for head, reader, found in (
        ("#!/bin/sh", "", set()),
        ("#!/bin/sh", "sh", set()),
        ("", "bash", set()),
        ("#!/usr/bin/env bash", "", set()),
        ("#!/usr/bin/python3", "", {"git"}),
        ("#!/bin/sh", "python3", {"git"}),
        ("#!/bin/sh", "perl -x", {"git"}),
        ("#!/bin/zsh", "", {"git"}),
    ):
        script = tmp_path / "script"
        script.write_text(f"{head}\necho git # git\n")
        script.chmod(0o755)
        assert probe.movers(f"{reader} {script}") == found, (head, reader)
    assert probe.movers("/bin/sh -c x # git pull") == {"git"}


@pytest.mark.parametrize(
    ("path", "row", "command"),
    [
        ("/etc/cron.d/x", "7 3 * * * root echo git", "echo git"),
        ("/etc/crontab", "@daily root echo git", "echo git"),
        ("/var/spool/cron/crontabs/x", "7 3 * * 1-5 echo git", "echo git"),
        ("/var/spool/cron/crontabs/x", "@reboot echo git", "echo git"),
        ("/etc/anacrontab", "1 5 cron.daily echo git", "echo git"),
        ("/etc/rc.local", "echo a b c d e f git", "echo a b c d e f git"),
        ("/etc/cron.d/x", "7 3 * * * root sh # x%git pull", "sh # x\ngit pull"),
        ("/etc/cron.d/x", "7 3 * * * root date +\\%F\\%#; git pull", "date +%F%#; git pull"),
        ("/etc/cron.d/x", "nonsense", "nonsense"),
    ],
)
def test_a_row_of_a_crontab_is_its_command(path: str, row: str, command: str) -> None:
    assert probe.command_of(row, path) == command
