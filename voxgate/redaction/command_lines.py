"""Secrets of command lines that no name stands before: ``curl -u USER:SECRET``, ``mysql -pSECRET``, ``redis-cli -a SECRET``.

What an option means, its program says: of others ``-p`` is a port. Pure: what is found is handed to ``mark``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from voxgate.redaction.shapes import is_mark, is_word_about_one, says_secret

Mark = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class _Program:
    """What says a secret. ``options`` have it in the next word, behind the sign that they name (``user:SECRET``); ``joined`` in
    the same word. Behind a word of ``then`` so many words are none, and so many are. All counts only where ``needs`` was read.
    """

    options: Mapping[str, str]
    joined: tuple[str, ...] = ()
    then: Mapping[str, tuple[int, int]] | None = None
    needs: str = ""


def _of(
    options: str = "",
    sign: str = "",
    *,
    joined: tuple[str, ...] = (),
    then: Mapping[str, tuple[int, int]] | None = None,
    needs: str = "",
) -> _Program:
    return _Program(dict.fromkeys(options.split(), sign), joined, then, needs)


_MYSQL, _MONGO, _LDAP = _of(joined=("-p",)), _of("-p", joined=("-p",)), _of("-w", joined=("-w",))
_LOGIN, _SNMP, _ARCHIVE = _of("-p --password", needs="login"), _of("-c -A -X"), _of("-P")
_SQLPLUS, _SET = _of(then={"sqlplus": (0, 1)}), _of(then={"set": (1, 1)})
_PROGRAMS: Mapping[str, _Program] = {
    "curl": _of("-u --user -U --proxy-user", ":", joined=("-u", "-U")),
    **dict.fromkeys(("http", "https"), _of("-a --auth", ":")),
    **dict.fromkeys(("mysql", "mysqldump", "mysqladmin", "mysqlcheck", "mysqlimport", "mysqlshow"), _MYSQL),
    **dict.fromkeys(("mariadb", "mariadb-dump", "mariadb-admin", "mariadb-check", "mariadb-backup", "xtrabackup"), _MYSQL),
    **dict.fromkeys(("redis-cli", "valkey-cli", "keydb-cli"), _of("-a")),
    "sshpass": _of("-p", joined=("-p",)),
    **dict.fromkeys(("docker", "podman", "nerdctl", "buildah", "skopeo", "helm", "crane", "oras", "az"), _LOGIN),
    **dict.fromkeys(("mongosh", "mongo", "mongodump", "mongorestore", "mongoexport", "mongoimport"), _MONGO),
    **dict.fromkeys(("mongostat", "mongotop", "mongofiles"), _MONGO),
    **dict.fromkeys(("ldapsearch", "ldapmodify", "ldapadd", "ldapdelete", "ldapwhoami", "ldappasswd"), _LDAP),
    **dict.fromkeys(("smbclient", "smbget", "rpcclient"), _of("-U --user", "%")),
    **dict.fromkeys(("7z", "7za", "7zr", "rar", "unrar"), _of(joined=("-p", "-hp"))),
    **dict.fromkeys(("zip", "unzip", "zipcloak", "sqlcmd", "tsql", "bcp", "mosquitto_pub", "mosquitto_sub"), _ARCHIVE),
    "ipmitool": _of("-P", joined=("-P",)),
    "lftp": _of("-u", ","),
    **dict.fromkeys(("snmpget", "snmpgetnext", "snmpwalk", "snmpbulkwalk", "snmpbulkget", "snmpset", "snmptrap"), _SNMP),
    **dict.fromkeys(("twine", "cqlsh", "ncftpput", "ncftpget", "useradd", "usermod"), _of("-p")),
    "swaks": _of("-ap"),
    "etcdctl": _of("--user", ":"),
    "openssl": _of("-pass -passin -passout", ":", then={"-k": (0, 1)}),
    "sqlplus": _SQLPLUS,
    "rabbitmqctl": _of(then=dict.fromkeys(("add_user", "change_password", "authenticate_user"), (1, 1))),
    "htpasswd": _of(
        then={"-b": (2, 1), "-cb": (2, 1), "-bc": (2, 1), "-bB": (2, 1), "-Bb": (2, 1), "-nb": (1, 1), "-nbB": (1, 1)}
    ),
    "vault": _of(then={"login": (0, 1)}),
    "mc": _of(then={"set": (2, 2), "add": (2, 2)}),
    **dict.fromkeys(("npm", "yarn", "pnpm", "aws"), _SET),
}
_ANY = re.compile(rf"(?<![\w-])(?:{'|'.join(sorted(map(re.escape, _PROGRAMS), key=len, reverse=True))})(?![\w-])")
_LINE = re.compile(r"[^\r\n]+")
_WORD = re.compile(
    r"(?P<sign>[|;&]+)|(?P<open>[\"'])(?P<quoted>(?:\\.|(?!(?P=open))[^\\])*)(?P=open)(?=[\s,;|&)\]}]|\Z)"
    r"|(?P<bare>\[cut(?:-\d{1,9})?\][^\s|;&]*|[^\s|;&\[({,)\]}](?:(?<=-[A-Za-z])\"[^\"]*\"|(?<=-[A-Za-z])'[^']*'|[^\s|;&])*)"
)
_LEAD, _TAIL = "\\\"'`$(", "\\\"'`,)}"
_OF_SHELL = re.compile(r"-|--.*|\$\{?\w+\}?|\$\(.*|<.*|[A-Z_]{3,}")
"""No value but where one comes from: a variable, another option, ``PASSWORD`` of a hint."""

# echo SECRET | chpasswd: what is told to who asks for a password.
_PIPED = re.compile(
    r"(?P<name>(?<![\w-])(?:echo|printf)[ \t]+(?:-\w{1,3}[ \t]+|[\"']?%s(?:\\{1,2}n)?[\"']?[ \t]+)?[\"']?)"
    r"(?P<value>[^\s\"'|$`]{1,200})(?=[\"']?[ \t]*\|[^|\r\n]{0,200}?"
    r"(?:\bchpasswd\b|--pass(?:word)?-?stdin\b|\bsudo[ \t]{1,9}(?:-\w{1,9}[ \t]{1,9}){0,4}-\w{0,9}S"
    r"|\bpasswd[ \t]{1,9}--stdin|\bkinit\b|--passphrase-fd))"
)
_HERE = re.compile(r"(?P<name>\bchpasswd\b[^|\r\n]{0,40}?<<<[ \t]{0,3}[\"']?)(?P<value>[^\s\"'|$`]{1,200})")


def cut_commands(text: str, mark: Mark) -> str:
    """``text`` without the secrets of the commands in it."""
    if "|" in text or "<<<" in text:
        for pattern in (_PIPED, _HERE):
            text = pattern.sub(lambda found: found["name"] + _of_account(found["value"], mark), text)
    if not _ANY.search(text):
        return text
    return _LINE.sub(lambda line: _cut_line(line[0], mark) if _ANY.search(line[0]) else line[0], text)


def cut_words(words: Sequence[object], mark: Mark) -> list[object]:
    """The same of a command that is a list of words, as ``argv``."""
    found = list(words)
    if any(isinstance(word, str) and word.rpartition("/")[2] in _PROGRAMS for word in words):
        for number, begin, end in _secrets([word if isinstance(word, str) else "" for word in words]):
            word = str(words[number])
            found[number] = word[:begin] + mark(word[begin:end]) + word[end:]
    return found


def _of_account(value: str, mark: Mark) -> str:
    """``deploy:SECRET``, as chpasswd takes it, or a secret alone."""
    name, colon, rest = value.partition(":")
    return f"{name}:{mark(rest)}" if colon and rest else mark(value)


def _cut_line(line: str, mark: Mark) -> str:
    """One line; what is quoted in it may be a command of its own."""
    words, places, texts = [], [], []
    for found in _WORD.finditer(line):
        kind = "quoted" if found["open"] else "sign" if found["sign"] else "bare"
        text, begin = found[kind], found.start(kind)
        if kind == "bare" and not is_mark(text):
            begin += len(text) - len(text.lstrip(_LEAD))
            text = text.strip(_LEAD) if is_mark(text.strip(_LEAD)) else text.lstrip(_LEAD).rstrip(_TAIL)
        words.append("|" if kind == "sign" else text)
        places.append(begin)
        texts.append(text)
    parts, done = [], 0
    cuts = {number: (begin, end) for number, begin, end in _secrets(words)}
    for number, (begin, text) in enumerate(zip(places, texts, strict=True)):
        if number in cuts:
            first, last = cuts[number]
            new = text[:first] + mark(text[first:last]) + text[last:]
        else:
            new = _cut_line(text, mark) if " " in text and _ANY.search(text) else text
        parts += [line[done:begin], new]
        done = begin + len(text)
    return "".join((*parts, line[done:]))


def _secrets(words: Sequence[str]) -> Iterator[tuple[int, int, int]]:
    """Which of the words hold a secret, and from where to where."""
    command = _Command()
    for number, word in enumerate(words):
        begin = command.secret_in(word)
        if begin >= 0 and (end := _end(word, begin)) > begin:
            yield number, begin, end


class _Command:
    """A command, word by word."""

    def __init__(self) -> None:
        self.program: _Program | None = None
        self.before = ""
        self.is_ready = False  # what the program needs was read
        self.sign: str | None = None  # the next word has a secret, behind this sign
        self.skipped = self.wanted = 0  # so many words are none, then so many are

    def secret_in(self, word: str) -> int:
        """From where on the next word is a secret; -1 where nothing of it is."""
        name, before, self.before = word.rpartition("/")[2], self.before, word
        if word == "|":
            self.program, self.sign, self.wanted = None, None, 0
            return -1
        begin = -1 if self.program is None else self._begin(self.program, word, before)
        if begin < 0 and name in _PROGRAMS:
            self.program, self.sign, self.wanted = _PROGRAMS[name], None, 0
            self.is_ready = not self.program.needs
        if self.program is not None:
            self.is_ready = self.is_ready or word == self.program.needs
            if begin < 0 and self.program.then and name in self.program.then:
                self.skipped, self.wanted = self.program.then[name]
        return begin

    def _begin(self, program: _Program, word: str, before: str) -> int:
        if self.sign is not None:
            sign, self.sign = self.sign, None
            return _behind(sign, word)
        if self.wanted and not word.startswith("-"):
            return self._positional(program, word, before)
        if not self.is_ready:
            return -1
        if word in program.options:
            self.sign = program.options[word]
            return -1
        joined = next((one for one in program.joined if word.startswith(one) and len(word) > len(one)), "")
        if not joined:
            return -1
        behind = _behind(program.options.get(joined, ""), word[len(joined) :])
        return behind if behind < 0 else len(joined) + behind

    def _positional(self, program: _Program, word: str, before: str) -> int:
        if self.skipped:
            self.skipped -= 1
            return -1
        if program is _SET and not says_secret(before, word):
            self.wanted = 0
            return -1
        self.wanted -= 1
        return _behind("/", word) if program is _SQLPLUS else 0


def _behind(sign: str, word: str) -> int:
    """Where a secret begins: behind the sign, if there is one; -1 where the word has it not."""
    return 0 if not sign else word.find(sign) + 1 or -1


def _end(word: str, begin: int) -> int:
    """Where the value ends; where it begins, if it is none."""
    value = word[begin:]
    if is_mark(value) or is_word_about_one(value) or _OF_SHELL.fullmatch(value):
        return begin
    end = len(word)
    if value[0] in "\"'" and len(value) > 1 and value[-1] == value[0]:
        return end if not is_mark(value[1:-1]) else begin
    at = value.rfind("@") if "/" in word[:begin] else -1  # sqlplus: user/SECRET@database
    return begin + at if at > 0 else end
