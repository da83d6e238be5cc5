"""What accounts may do by sudo, whose keys log in, what sshd takes: the estate's words by account and by place, and no door."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.unit.suites.conftest import Case
from voxgate.cli.draft import drafted
from voxgate.contracts import estate_file
from voxgate.contracts.catalogue import read_catalogue
from voxgate.contracts.estate_access import sshd_of, sudo_of
from voxgate.contracts.estates import load_estate
from voxgate.model.advice import commands_in
from voxgate.model.evidence import known
from voxgate.model.invariant import expected
from voxgate.model.surroundings import KeyFact, SudoRule
from voxgate.plugin import without_pytest
from voxgate.survey.commands import given_to_root

SIP, API = "sip-1", "api-1"
RAID = "/usr/lib/nagios/plugins/check_raid"
MARK, OTHER = "SHA256:" + "A" * 43, "SHA256:" + "B" * 43
SUDO, KEYS = "sudo-is-minimal[sip-1]", "keys-are-known[sip-1]"


def rule(command: str, holder: str, *groups: str, who: str = "root", options: str = "!authenticate") -> SudoRule:
    return SudoRule(who, options, command, holder, groups)


def with_rules(case: Case, *rules: SudoRule, words: dict[str, Any] | None = None) -> Case:
    """Rules of sudo on the SIP host, and the estate's words for them."""
    own = tuple(one for one in rules if one.holder == "deploy")
    case = case.fact(SIP, "sudo", rules=(*known(case.of(SIP).sudo).rules, *own), others=tuple(set(rules) - set(own)))
    return replace(case, estate=replace(case.estate, sudo=sudo_of(words or {})))


def said(case: Case, name: str) -> tuple[str, str]:
    """What is violated of one judgement, and the advice; empty where it holds."""
    for one in expected(read_catalogue(), case.estate, (), deploying=frozenset()):
        if one.id == name:
            judged = without_pytest.judge(one, case.estate, case.evidence)
            assert judged is not None
            return judged.found, judged.advice
    raise KeyError(name)


NAGIOS = rule(RAID, "nagios", "nagios")
ANSIBLE = rule("ALL", "ansible", "ansible", who="ALL ALL")
ANNA = rule("ALL", "anna", "anna", "ops", who="ALL", options="")
TABLE = {"all": {"nagios": [RAID]}, "sip": {"ansible": ["ALL"]}, SIP: {"%ops": ["ALL"]}}


def test_what_the_estate_lets_an_account_run_it_may_run(green: Case) -> None:
    assert with_rules(green, NAGIOS, ANSIBLE, ANNA, words=TABLE).judge() == {}


def test_who_is_root_without_sudo_is_the_estates_or_a_finding(green: Case) -> None:
    agent, vox, toor = rule("group docker", "dd-agent"), rule("group docker", "vox"), rule("uid 0", "toor")
    found, advice = said(with_rules(green, agent, vox, toor), SUDO)
    for words in ("dd-agent is in the group docker, which is root", "vox is in the group docker", "toor is root by another name"):
        assert words in found
    assert "`gpasswd -d vox docker`" in advice
    assert "`sed -i '/^toor:/d' /etc/passwd /etc/shadow`" in advice
    assert 'dd-agent = ["group docker"]' in advice
    assert "uid 0" not in advice.partition("add to")[2]
    assert with_rules(green, agent, words={"all": {"dd-agent": ["group docker"]}}).judge() == {}


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_no_hint_takes_the_bits_of_what_somebody_put_in_a_programs_place(tmp_path: Path) -> None:
    """Whose folder it lies in may put a link there before root types it, also to another folder with a program of that name."""
    for name in ("theirs", "roots", "both"):
        (tmp_path / name).mkdir()
        shutil.copy("/bin/true", tmp_path / name / "sudo [x]")
        (tmp_path / name / "sudo [x]").chmod(0o6755)
    (tmp_path / "away").symlink_to("roots")
    (tmp_path / "both/sudo [x]").unlink()
    (tmp_path / "both/sudo [x]").symlink_to("../roots/sudo [x]")
    for name in ("away", "both", "theirs"):
        (command,) = commands_in(given_to_root(str(tmp_path / name / "sudo [x]")))
        # Its status says nothing here: find ends with 1 where what it only passes by, somebody else's in /tmp, is gone meanwhile.
        subprocess.run(["sh", "-c", command.text], check=False)
    modes = {name: stat.S_IMODE((tmp_path / name / "sudo [x]").stat().st_mode) for name in ("roots", "theirs")}
    assert modes == {"roots": 0o6755, "theirs": 0o755}


def test_who_has_another_s_rights_by_a_file_is_the_estates_or_a_finding(green: Case) -> None:
    shell, tar = rule("setuid /var/tmp/x y", "everybody"), rule("capability dac_read_search /usr/bin/tar", "%backup")
    engine, eve = rule("socket /run/docker.sock", "everybody"), rule("uid 990", "eve", who="vox")
    other = rule("setgid /opt/x", "%backup", who="vox")
    found, advice = said(with_rules(green, shell, tar, engine, eve, other), SUDO)
    for words in (
        "may use /run/docker.sock, which is root",
        "may be root by /var/tmp/x y, which has a setuid bit",
        "may do as root by a capability: dac_read_search /usr/bin/tar",
        "may be in the group vox by /opt/x, which has a setgid bit",
        "eve is vox by another name (uid 990)",
    ):
        assert words in found
    for words in (
        "`find -H /var \\( -path /var -o -path /var/tmp -o -prune \\) -path '/var/tmp/x y' -type f -execdir chown -h root {} ",
        "`chown -h root /usr/bin/tar`",
        "`find /run/docker.sock -prune -type s -exec chmod o-rwx {} ';'`",
        "`sed -i '/^eve:/d' /etc/passwd /etc/shadow`",
    ):
        assert words in advice
    assert "uid 990" not in advice.partition("add to")[2]
    allowed = {
        "all": {
            "everybody": ["setuid /var/tmp/x y", "socket /run/docker.sock"],
            "%backup": ["capability dac_read_search /usr/bin/tar", "(vox) setgid /opt/x"],
        }
    }
    assert with_rules(green, shell, tar, engine, other, words=allowed).judge() == {}


@pytest.mark.parametrize(
    "beside",
    [
        rule(RAID, "deploy"),  # the false green: what was allowed to nagios was deploy's too
        rule(RAID, "vox"),
        rule("/usr/lib/nagios/plugins/check_disk", "nagios"),
        rule(f"{RAID} -x", "nagios"),
        rule(RAID, "nagios2"),
        rule(RAID, "nagios", options="!authenticate, setenv"),
        rule("ALL", "nagios", who="ALL"),
        rule("ALL", "bert", "bert", who="ALL"),
        rule("ALL", "deploy", who="ALL"),
        rule("ALL", "vox", "vox", "ops", who="ALL"),
    ],
)
def test_an_entry_of_sudo_is_no_door_for_what_stands_beside_it(green: Case, beside: SudoRule) -> None:
    assert set(with_rules(green, NAGIOS, ANSIBLE, ANNA, beside, words=TABLE).judge()) == {SUDO}


def test_what_a_role_may_it_may_on_its_hosts_only(green: Case) -> None:
    case = with_rules(green, ANSIBLE, words={"api": {"ansible": ["ALL"]}, API: {"ansible": ["ALL"]}})
    assert set(case.judge()) == {SUDO}


def test_commands_are_the_login_accounts_and_nobody_elses(green: Case) -> None:
    words: dict[str, Any] = {"commands": ["/usr/sbin/nginx -t"]}
    assert with_rules(green, rule("/usr/sbin/nginx -t", "deploy"), words=words).judge() == {}
    assert set(with_rules(green, rule("/usr/sbin/nginx -t", "bert"), words=words).judge()) == {SUDO}
    words = {SIP: {"deploy": ["/usr/sbin/nginx -t"]}}
    assert with_rules(green, rule("/usr/sbin/nginx -t", "deploy"), words=words).judge() == {}


def test_an_entry_as_somebody_else_than_root_is_for_him(green: Case) -> None:
    words = {SIP: {"bert": ["(postgres) ALL"]}}
    assert with_rules(green, rule("ALL", "bert", who="postgres"), words=words).judge() == {}
    assert set(with_rules(green, rule("ALL", "bert", who="ALL"), words=words).judge()) == {SUDO}
    assert set(with_rules(green, rule("/bin/sh", "bert", who="mysql"), words=words).judge()) == {SUDO}


def test_a_rule_that_takes_away_is_none(green: Case) -> None:
    assert with_rules(green, ANNA, rule("!/bin/su", "anna", "ops"), words=TABLE).judge() == {}


def test_all_rules_beyond_are_told_with_the_line_to_paste(green: Case) -> None:
    dba = rule("ALL", "john.doe", who="postgres")
    case = with_rules(green, NAGIOS, ANSIBLE, dba, rule("/bin/true *", "deploy"), rule("ALL", "vox"), rule("/bin/id", "vox"))
    found, advice = said(case, SUDO)
    for words in (
        f"nagios may run `{RAID}`",
        "ansible may run `ALL`",
        "deploy may run `/bin/true *`",
        "vox may run",
        "`/bin/id`",
    ):
        assert words in found
    line = advice.partition("add to [sudo] in hosts/lab.toml: ")[2].partition("; or add to")[0]
    table = {"ansible": ["ALL"], "john.doe": ["(postgres) ALL"], "nagios": [RAID], "vox": ["/bin/id"]}

    assert tomllib.loads(line) == {SIP: table}
    pasted = with_rules(green, NAGIOS, ANSIBLE, dba, rule("/bin/id", "vox"), words=tomllib.loads(line))
    assert pasted.judge() == {}


def with_keys(case: Case, *keys: KeyFact, sshd: dict[str, str] | None = None, words: dict[str, Any] | None = None) -> Case:
    """Keys more on the SIP host, other settings of its sshd, and the estate's words for both."""
    fact = known(case.of(SIP).keys)
    case = case.fact(SIP, "keys", keys=(*fact.keys, *keys), settings={**fact.settings, **(sshd or {})})
    table = words or {}
    rows = {
        where: tuple((user, mark) for user, marks in entry.items() for mark in marks)
        for where, entry in table.get("keys", {}).items()
    }
    estate = replace(case.estate, keys={**(case.estate.keys or {}), **rows}, sshd=sshd_of(table.get("sshd", {})))
    return replace(case, estate=estate)


def key(user: str, mark: str = MARK) -> KeyFact:
    return KeyFact(user, f"/home/{user}/.ssh/authorized_keys", mark)


def test_keys_are_known_by_account_and_by_place(green: Case) -> None:
    people = (key("anna"), key("root", OTHER))
    words = {"keys": {"sip": {"anna": [MARK]}, SIP: {"root": [OTHER]}}}
    assert with_keys(green, *people, words=words).judge() == {}
    for beside in (key("anna", OTHER), key("root"), key("deploy"), key("@cert-authority")):
        assert set(with_keys(green, *people, beside, words=words).judge()) == {KEYS}
    assert set(with_keys(green, key("anna"), words={"keys": {API: {"anna": [MARK]}}}).judge()) == {KEYS}


def test_keys_of_several_people_are_told_at_once_with_the_line(green: Case) -> None:
    people = (key("anna"), key("anna", OTHER), key("root", OTHER), key("bert", "unreadable"))
    found, advice = said(with_keys(green, *people), KEYS)
    assert all(f"lets {one.fingerprint} log in as {one.user}" in found for one in people)
    table = tomllib.loads(advice.partition("add to [keys] in hosts/lab.toml: ")[2].partition("; or add to")[0])
    assert table == {SIP: {"anna": [MARK, OTHER], "root": [OTHER]}}
    assert with_keys(green, *people[:3], words={"keys": table}).judge() == {}


CA = {"trustedusercakeys": "/etc/ssh/ca.pub"}
OS_LOGIN = {"authorizedkeyscommand": "/usr/bin/google_authorized_keys", "authorizedprincipalscommand": "/usr/bin/x %u %k"}
SECOND = {"kbdinteractiveauthentication": "yes", "authenticationmethods": "publickey,keyboard-interactive"}
BLOCK = {"match User anna": "authenticationmethods publickey,keyboard-interactive | kbdinteractiveauthentication yes"}
LINES = ["AuthenticationMethods publickey,keyboard-interactive", "KbdInteractiveAuthentication yes"]
WORDS = {
    "user CA": (CA, {"all": {"TrustedUserCAKeys": "/etc/ssh/ca.pub"}}),
    "OS Login": (
        OS_LOGIN,
        {"sip": {"authorizedkeyscommand": OS_LOGIN["authorizedkeyscommand"], "AuthorizedPrincipalsCommand": "/usr/bin/x %u %k"}},
    ),
    "second factor": (SECOND, {SIP: {"KbdInteractiveAuthentication": "yes", "AuthenticationMethods": LINES[0].split()[1]}}),
    "second factor of one": (BLOCK, {SIP: {"Match  User anna": LINES}}),
    "as sshd makes it of that for one": ({**BLOCK, "for root": BLOCK["match User anna"]}, {SIP: {"match User anna": LINES}}),
}


@pytest.mark.parametrize("name", WORDS)
def test_what_sshd_takes_by_the_estates_word_holds(green: Case, name: str) -> None:
    settings, words = WORDS[name]
    found, advice = said(with_keys(green, sshd=settings), KEYS)
    assert found
    table = tomllib.loads(advice.partition("add to [sshd] in hosts/lab.toml: ")[2].partition("; or add to")[0])
    assert with_keys(green, sshd=settings, words={"sshd": table}).judge() == {}
    assert with_keys(green, sshd=settings, words={"sshd": words}).judge() == {}


@pytest.mark.parametrize(
    ("name", "beside"),
    [
        ("user CA", {"trustedusercakeys": "/etc/ssh/ca.pub | /srv/ca.pub"}),
        ("user CA", {"authorizedkeyscommand": "/srv/x"}),
        ("user CA", {"authorizedprincipalsfile": "/etc/ssh/principals"}),
        ("OS Login", {"authorizedkeyscommand": "/usr/bin/google_authorized_keys %u"}),
        ("second factor", {"authenticationmethods": "any"}),
        ("second factor", {"authenticationmethods": "publickey,keyboard-interactive keyboard-interactive"}),
        ("second factor", {"passwordauthentication": "yes"}),
        ("second factor", {"match User bert": "authenticationmethods any"}),
        ("second factor of one", {"kbdinteractiveauthentication": "yes"}),
        ("second factor of one", {"match User anna": "kbdinteractiveauthentication yes"}),
        ("second factor of one", {"match User bert": BLOCK["match User anna"]}),
        ("second factor of one", {"match User anna": f"authenticationmethods any | {BLOCK['match User anna']}"}),
        ("second factor of one", {"for root": "passwordauthentication yes"}),
    ],
)
def test_an_entry_of_sshd_is_no_door_for_what_stands_beside_it(green: Case, name: str, beside: dict[str, str]) -> None:
    settings, words = WORDS[name]
    assert set(with_keys(green, sshd={**settings, **beside}, words={"sshd": words}).judge()) == {KEYS}


def test_a_second_factor_named_without_the_key_before_it_is_a_password(green: Case) -> None:
    words = {"sshd": {SIP: {"KbdInteractiveAuthentication": "yes"}}}
    settings = {"kbdinteractiveauthentication": "yes", "authenticationmethods": "any"}
    assert set(with_keys(green, sshd=settings, words=words).judge()) == {KEYS}
    settings["authenticationmethods"] = "publickey,keyboard-interactive"
    assert with_keys(green, sshd=settings, words=words).judge() == {}


def test_what_draft_writes_into_the_estate_holds(green: Case, tmp_path: Path) -> None:
    """All of it, and the file stays one that can be read."""
    case = with_rules(green, NAGIOS, ANSIBLE, rule("/bin/id", "vox"))
    case = with_keys(case, key("anna"), key("@cert-authority", OTHER), sshd={**CA, **BLOCK})
    assert set(case.judge()) == {SUDO, KEYS}
    found = drafted(case.estate, case.evidence)
    assert found.left == ()
    text = Path(case.estate.source).read_text("utf-8")
    path = tmp_path / "lab.toml"
    path.write_text(text)
    estate_file.replace(path, estate_file.with_entries(text, found.entries, "lab.toml"))
    written = load_estate(str(path))
    known_before = {"all": case.estate.keys["all"]} if case.estate.keys else {}
    assert replace(case, estate=replace(written, keys={**(written.keys or {}), **known_before})).judge() == {}


def test_a_rule_that_is_alone_in_its_file_is_not_taken_out_but_commented(green: Case) -> None:
    """Visudo writes no file that is left empty: who follows the hint by deleting its only line has changed nothing."""
    found, advice = said(with_rules(green, rule("ALL", "vox", options="!authenticate")), f"sudo-is-minimal[{SIP}]")
    assert "may run `ALL`" in found
    assert advice.startswith("put # before it in sudoers (no file may be left empty): ")
