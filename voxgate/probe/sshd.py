"""How sshd was started, and what it makes of its configuration."""

from __future__ import annotations

import getopt
import glob
import os
import re
import shlex
from typing import Any, Iterator, NamedTuple

from voxgate.probe.base import DEADLINE, Trouble
from voxgate.probe.believing import others_change
from voxgate.probe.programs import run
from voxgate.probe.request import ACCOUNT
from voxgate.probe.text import lines_of

SSHD_SAYS = (
    "authorizedkeysfile", "authorizedkeyscommand", "trustedusercakeys", "permitrootlogin", "passwordauthentication",
    "kbdinteractiveauthentication", "hostbasedauthentication", "permitemptypasswords", "authenticationmethods",
    "authorizedprincipalsfile", "authorizedprincipalscommand", "gssapiauthentication", "kerberosauthentication",
)  # fmt: skip
# What is handed on of a listener's own words: without its account a command is refused by sshd -T.
SSHD_KEPT = {*SSHD_SAYS, "challengeresponseauthentication", "authorizedkeyscommanduser", "authorizedprincipalscommanduser"}
BLOCKS_AT_MOST = 100  # Match lines of one configuration
SSHD_CONFIG = "/etc/ssh/sshd_config"
SSHD_LETTERS = "46DdeqE:b:c:f:g:h:k:o:p:u:"  # the options of a listener
SSHD_TITLE = re.compile(r"sshd: \S+ ?(.*?) ?\[listener\] \d+ of \d+-\d+ startups")
SSHD_SETTING = re.compile(r"([A-Za-z]+)[ =]+([A-Za-z0-9_./%,:@+~-][A-Za-z0-9_./%,:@+~ -]{0,200})", re.ASCII)


class Started(NamedTuple):
    """What a listening sshd was told beside its defaults: the file that it reads, and settings (``Key=value``)."""

    config: str = SSHD_CONFIG
    settings: tuple[str, ...] = ()


def claims_to_listen(row: dict[str, Any]) -> bool:
    """True for a process that says it is the sshd that waits for logins, as one does by its title. One in a container waits for
    no login of this host's.
    """
    title = " ".join(row["argv"])
    return not row["container"] and "[listener]" in title and (row["command"] == "sshd" or title.startswith("sshd"))


def sshd_asked() -> list[str]:
    """The accounts that sshd is asked about: ours and root."""
    caller = os.environ.get("SUDO_USER", "root")
    return list(dict.fromkeys((caller if ACCOUNT.fullmatch(caller) else "root", "root")))


def sshd_says(way: Started, user: str = "") -> set[tuple[str, str]]:
    """What sshd itself says of its settings: for an account that comes from here, or for those whom no Match means. It is told
    what ``sshd_started`` let through, nothing else.
    """
    options = [word for setting in way.settings for word in ("-o", setting)]
    who = ["-C", f"user={user},host=localhost,addr=127.0.0.1"] if user else []
    ended = run(["/usr/sbin/sshd", "-T", "-f", way.config, *options, *who], DEADLINE - 1)
    if ended.status != 0:
        place = re.search(r"(/\S+)[: ]+line (\d+)", ended.err)
        raise Trouble("failed", f"sshd -T ended with {ended.status}{f': {place[1]} line {place[2]}' if place else ''}")
    rows = (line.partition(" ") for line in ended.out.splitlines())
    return {(key, value) for key, _, value in rows if key in SSHD_SAYS}


def sshd_started(title: str) -> Started:
    """What a listening sshd was started with, read from its own title as getopt reads it. Only what says who may log in is
    kept, and only in its plain form. Raises Trouble for an option that no listener has, or a word that cannot be told apart.
    """
    found = SSHD_TITLE.fullmatch(title)
    if found is None:
        raise Trouble("unparsable", "sshd does not say by its title how it was started")
    config, settings_said = SSHD_CONFIG, []
    for option, value in sshd_options(found.group(1).split()):
        setting = SSHD_SETTING.fullmatch(value)
        if option == "-f":
            config = value
        elif option == "-o" and setting is None:
            raise Trouble("unparsable", "sshd was started with a setting (-o) that the probe cannot read")
        elif option == "-o" and setting and setting[1].lower() in SSHD_KEPT:
            settings_said.append(f"{setting[1]}={setting[2]}")
    if not re.fullmatch(r"/[A-Za-z0-9_./@+-]{1,200}", config, re.ASCII):
        raise Trouble("unparsable", "sshd was started with a file (-f) that has no plain path")
    return Started(config, tuple(settings_said))


def sshd_options(words_said: list[str]) -> list[tuple[str, str]]:
    """The options in a listener's words, each with its value. Raises Trouble where they are not all such."""
    options: list[tuple[str, str]] = []
    while words_said:
        try:
            more, words_said = getopt.getopt(words_said, SSHD_LETTERS)
        except getopt.GetoptError:
            raise Trouble("unparsable", "sshd was started with an option that the probe does not know") from None
        options += more
        if words_said and options and options[-1][0] == "-o" and "=" not in options[-1][1]:
            options[-1] = (
                "-o",
                f"{options[-1][1]} {words_said.pop(0)}",
            )  # the title does not tell `-o "Key value"` from two words
        elif words_said:
            raise Trouble("unparsable", "sshd was started with a word that is no option")
    return options


def matched(
    path: str, files: dict[str, float], loose: dict[str, str], depth: int = 0, *, inside: str = ""
) -> Iterator[tuple[str, str, str]]:
    """What sshd's configuration says for some logins only: the Match line, a setting's lower-case name, its value; and the
    change of each of its files, into ``files``: also of a folder that it includes, from which a file may be gone. A file that
    not only root can change is not read: it goes into ``loose``, with the place where others can.
    """
    if path in files or path in loose or depth > 16 or not os.path.lexists(path):
        return
    if place := others_change(path):
        loose[path] = place
        return
    files[path] = os.stat(path).st_ctime
    for line in lines_of(path):
        words_said = re.match(r"([A-Za-z]+)\s*(=?)", line.strip())
        if words_said is None:
            continue
        rest = line.strip()[words_said.end() :].strip()
        key, value = words_said.group(1).lower(), before_comment(rest).strip('"')
        if key == "match":
            inside = "" if value.lower() == "all" else " ".join(["match", *before_comment(rest).split()])
        elif key == "include":
            for included in included_by(value, files, loose):
                yield from matched(included, files, loose, depth + 1, inside=inside)
        elif inside and key in {*SSHD_SAYS, "challengeresponseauthentication"}:
            yield inside, key.replace("challengeresponse", "kbdinteractive"), value


def included_by(value: str, files: dict[str, float], loose: dict[str, str]) -> Iterator[str]:
    """The files that an Include of sshd's names, and their folders into ``files`` and ``loose`` as in ``matched``."""
    for pattern in shlex.split(value):
        place = pattern if pattern.startswith("/") else f"/etc/ssh/{pattern}"
        for folder in glob.glob(os.path.dirname(place)) or [os.path.dirname(place)]:
            if folder == "/etc/ssh":
                continue
            if os.path.isdir(folder):
                files[folder] = os.stat(folder).st_ctime
            if whose := others_change(folder):  # what is not in it now may be in it when sshd looks
                loose[folder] = whose
        yield from sorted(glob.glob(place))


def before_comment(text: str) -> str:
    """What stands before the first # that follows a blank, without the blanks."""
    at = next((at for at in range(1, len(text)) if text[at] == "#" and text[at - 1].isspace()), len(text))
    return text[:at].rstrip() if at < len(text) else text
