"""The probe's readers, given what somebody wrote to hurt: nothing but Trouble leaves them, and neither time nor memory ends."""

from __future__ import annotations

import json
import os
import re
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from tests.built import PROBE, probe

from .conftest import service

# ------------------------------------------------------------------------------------------------ long, and made to hurt

# Each in a process of its own: what eats time or memory is killed there, and nothing is told of it.
LIMITED = """
import json, os, resource, sys
source = open(sys.argv[1], "rb").read()
names = {"PROGRAM": source, "__name__": "probe"}
exec(compile(source, "probe", "exec"), names)
names["M"] = 1 << 18
names["place"] = sys.argv[2]
for reader, code in json.load(sys.stdin).items():
    if os.fork() == 0:
        resource.setrlimit(resource.RLIMIT_AS, (400 << 20, 400 << 20))
        resource.setrlimit(resource.RLIMIT_CPU, (20, 20))
        error = names["guarded"](lambda: eval(code, names)).get("error", {})
        print(json.dumps([reader, error.get("kind", "told"), error.get("text", "")]), flush=True)
        os._exit(0)
    os.wait()
"""
HOSTILE = {
    "env of backslashes": "len(settings('A=\"' + '\\\\' * (4 * M)))",
    "env of escaped quotes": "len(settings('A=\"' + '\\\\\"' * (2 * M)))",
    "a unit of lines that go on": "len(unit_lines('x\\\\\\n' * M))",
    "env of empty lines": "len(settings('\\n' * (4 * M)))",
    "env of quotes": "len(settings('A=\\'\\n' * M))",
    "env of quoted parts": "len(settings('A=' + '\"\"' * (2 * M)))",
    "placeholders that never end": "[is_placeholder(word * M) for word in ('{{', '${', '<', '{{}', '${x', '<>'[:1] * 4)]",
    "empty lines and comments": "len(COMMENT.sub('', '\\n' * (4 * M)))",
    "blanks and comments": "len(COMMENT.sub('', (' ' * 1000 + '\\n') * 4000))",
    "comments of quotes": "[len(COMMENT_ALONE.sub('', text)) for text in ('#' + '\\'\"`' * M, '#\\'' * M, '# a\\n' * M)]",
    "a unit of empty lines": "[e.search('\\n' * (4 * M)) for e in (NEEDED, TRIGGERED, ACCEPTING, KEYS_OF_UNIT)]",
    "a unit's command": "without_values(*unit_rows('ExecStart=' + '{ path=x ; argv[]=y ; ignore_errors=no ; pid=' * 9000))",
    "a project of empty lines": "PROJECT_NAME.search('\\n' * (4 * M))",
    "a project of blanks": "PROJECT_NAME.search('name' + ' ' * (4 * M))",
    "a dependency of blanks": "declared({'project': {'dependencies': ['a' + ' ' * (4 * M) + 'b']}})",
    "a dependency of blanks and lines": "declared({'project': {'dependencies': ['a' + ' ' * (4 * M) + '\\nb']}})",
    "a dependency's extras": "declared({'project': {'dependencies': ['a' + '[' * (4 * M)]}})",
    "words that can be read in two ways": "WORDS.fullmatch('a' + ':v1' * M + '!')",
    "words": "[e.fullmatch('a' + '.a' * M + '!') for e in (WORDS, PLAIN)]",
    "passwords": "[len(passwords(text)) for text in ('://' * M, '://a:' + 'b' * (4 * M), '://' + ':a' * (2 * M), '%41' * M)]",
    "passwords that are not quoted": "[len(passwords(text)) for text in ('://a:b@' * M, '://a: ' * M, '://a:' + '@' * (4 * M))]",
    "nginx, a quote that does not end": "len(nginx_statements({'/n': '\"' + '\\\\\"' * (2 * M)}, '/n', '/'))",
    "nginx, variables that do not end": "len(nginx_statements({'/n': '${' * M}, '/n', '/'))",
    "nginx, blocks in blocks": "nginx_sites({'/n': 'server {' * 100000 + '}' * 100000})",
    "nginx, closed and closed": "len(nginx_statements({'/n': '{' * M + '}' * M}, '/n', '/'))",
    "nginx, empty lines": "ROOT.findall('\\n' * (4 * M))",
    "sshd, a line of blanks": "before_comment('a' + ' ' * (4 * M) + 'b')",
    "a key's options": "behind_options('\"' + '\\\\\"' * M)",
    "sudo's rules": "len(sudo_rules('Commands:\\n' + 'x\\n' * M))",
    "a manifest": "manifest(('0' * 64 + '  x\\n') * 20000)",
    "toml, one key": "toml(Folder(place), 'dotted.toml')",
    "toml, in brackets": "toml(Folder(place), 'deep.toml')",
    "a job of words": "movers(' '.join(map(str, range(30000))))",
    "a job of interpreters": "movers('sh -x ' * 100000)",
    "a job of ways to go": "movers('env -env -/bin/env run-parts -/run-parts ' * 20000)",
    "a job that goes to folders": "movers(' '.join(f'cd a{one};' for one in range(4000)))",
    "a job of homes": "len(at_home('~nobody ' * 50000, 'root'))",
    "an unbroken way": "movers('/a' * M)",
    "too many jobs": "list(few_enough(('x', 'root', 'y') for _ in range(10 ** 9)))",
    "jobs too long": "list(few_enough(('x', 'root', 'y' * M) for _ in range(10 ** 9)))",
    "a record of one quote": "recorded(Folder(place), [], {})",
    "a program that lies of its table": "dynamic_names(os.open(place + '/table', 0))",
    "a program that lies of its names": "dynamic_names(os.open(place + '/names', 0))",
    "a pack's index": "in_pack(os.open(place + '/index', 0), b'\\x01' * 20)",
    "a file without an end": "content('/dev/zero')",
    "an answer in brackets": "json.loads('[' * (4 * M))",
    "processes in a row": "len(descendants([{'pid': n + 1, 'ppid': n, 'started': n} for n in range(100000)], {1}))",
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files that are made to hurt."""
    place = tmp_path_factory.mktemp("hostile")
    (place / "dotted.toml").write_text("a" + ".a" * 4_000 + "=1")
    (place / "deep.toml").write_text("a=" + "[" * 1_000_000)
    info = place / "lib/python3.12/site-packages/x-1.dist-info"
    info.mkdir(parents=True)
    (info / "RECORD").write_text('"' + "x\n" * 2_000_000)
    head = b"\x7fELF\x02\x01".ljust(32, b"\0") + struct.pack("<Q", 0) + b"\0" * 14
    (place / "table").write_bytes(head + struct.pack("<HH", 0xFFFF, 0xFFFF) + b"\0" * 200)
    rows = struct.pack("<IIQQQQ", 1, 0, 0, 0, 0, 1 << 60).ljust(56, b"\0") + struct.pack(
        "<IIQQQQ", 2, 0, 176, 0, 0, 1 << 60
    ).ljust(56, b"\0")
    said = struct.pack("<QQQQ", 5, 0, 10, 1 << 30)
    with (place / "names").open("wb") as file:
        file.write(
            b"\x7fELF\x02\x01".ljust(32, b"\0")
            + struct.pack("<Q", 64)
            + b"\0" * 14
            + struct.pack("<HH", 56, 2)
            + b"\0" * 6
            + rows
            + said
        )
        file.truncate(1 << 40)
    (place / "index").write_bytes(b"\xfftOc\0\0\0\2" + b"\xff" * 1024)
    return place


@pytest.fixture(scope="module")
def outcomes(made: Path) -> dict[str, list[str]]:
    """What came of each: the kind of its trouble or that it told, and the words."""
    argv = [sys.executable, "-I", "-c", LIMITED, str(PROBE), str(made)]
    ended = subprocess.run(argv, input=json.dumps(HOSTILE), capture_output=True, check=True, text=True)
    return {name: words for name, *words in map(json.loads, ended.stdout.splitlines())}


@pytest.mark.parametrize("reader", HOSTILE)
def test_what_is_made_to_hurt_is_read_or_refused(outcomes: dict[str, list[str]], reader: str) -> None:
    assert reader in outcomes, "it was killed: it took too long, or too much"
    kind, text = outcomes[reader]
    assert kind in {"told", "failed", "unparsable"}
    assert "MemoryError" not in text


# ------------------------------------------------------------------------------------------------------------- any text

SIGNS = "\"'\\ \t\n\r=#[]{}$<>;:@/%-._~!|&()*,?+"
TEXT = some.text(some.sampled_from(f"{SIGNS}aA0v1\0\x1b\xff\u2028\udcff"), max_size=60) | some.text(max_size=60)
LINES = some.lists(
    TEXT | some.sampled_from(["server", "root", "Commands:", "Sudoers entry:", "Exec=", "A=1", "Match all", "name = 'x'"])
).map("\n".join)
JSON = some.recursive(
    some.none() | some.booleans() | some.integers() | some.text(max_size=5),
    lambda inner: (
        some.lists(inner, max_size=3)
        | some.dictionaries(
            some.sampled_from(["Labels", "Names", "Id", "Image", "State", "Status", "CapAdd", "Devices", "SecurityOpt", "x"]),
            inner,
        )
    ),
    max_leaves=10,
)
READERS: dict[str, Any] = {
    "settings": probe.settings,
    "placeholder": probe.is_placeholder,
    "unit": lambda text: [probe.without_values(row) for row in probe.unit_rows(text)],
    "environment": probe.names_of_environment,
    "command": probe.command_shown,
    "specified": lambda text: probe.specified(text, "a-b@c.service"),
    "cgroup": lambda text: (probe.unit_of(text), probe.container_of({"": text})),
    "nginx": lambda text: probe.nginx_sites({"/n.conf": text}),
    "roots": lambda text: probe.ROOT.findall(probe.COMMENT.sub("", text)),
    "sudo": probe.sudo_rules,
    "manifest": probe.manifest,
    "key": lambda text: (probe.key_in(text), probe.key_in(probe.behind_options(text))),
    "comment": probe.before_comment,
    "dependency": lambda text: probe.declared({"project": {"dependencies": [text]}}),
    "normal": probe.normal,
    "telling": lambda text: (probe.telling(text), probe.passwords(text)),
    "home": lambda text: probe.at_home(text, "root"),
    "movers": probe.movers,
    "project": probe.PROJECT_NAME.search,
    "git": probe.leads_to,
    "reach": lambda text: probe.seen_at(text, [probe.Mount(text, "1:1", text)]),
}


@pytest.mark.parametrize("reader", READERS)
@settings(deadline=None, max_examples=30)
@given(text=TEXT | LINES)
def test_no_text_does_more_than_be_read_or_refused(reader: str, text: str) -> None:
    try:
        READERS[reader](text)
    except probe.Trouble as trouble:
        assert trouble.kind in {"failed", "unparsable"}  # noqa: PT017 - it may also say nothing


@settings(deadline=None, max_examples=100)
@given(content=some.binary(max_size=300), sized=some.booleans())
def test_no_file_does_more_than_be_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, *, sized: bool
) -> None:
    path = tmp_path_factory.getbasetemp() / "any"
    path.write_bytes(
        b"\x7fELF\x02\x01" + content[:48].ljust(48, b"\0") + struct.pack("<HH", 56, 2) + content if sized else content
    )
    with path.open("rb") as file:
        assert len(probe.dynamic_names(file.fileno())) <= 1000
        assert probe.in_pack(file.fileno(), b"\x01" * 20) in {True, False}


@settings(deadline=None, max_examples=100)
@given(row=JSON)
def test_no_answer_of_an_engine_does_more_than_be_no_answer(row: Any) -> None:
    for read in (lambda: probe.container("docker", row), lambda: list(probe.rights_of(row))):
        try:
            read()
        except (ValueError, LookupError, TypeError, AttributeError):
            continue  # what `engines` takes for no answer


@settings(deadline=None, max_examples=50)
@given(text=LINES)
def test_no_toml_does_more_than_be_read_or_refused(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    folder = tmp_path_factory.getbasetemp()
    (folder / "any.toml").write_bytes(text.encode(errors="surrogateescape"))
    with probe.Folder(str(folder)) as at:
        outcome = probe.guarded(lambda: (probe.declared(project := probe.toml(at, "any.toml")), probe.locked(project)))
    assert outcome.get("error", {}).get("kind") in {None, "unparsable", "failed", "missing"}


# As it was read before: right, but by an expression that keeps a place to come back to for each letter.
SETTING = re.compile(
    r"""[ \t]*([A-Za-z_]\w*)[ \t]*=((?:[ \t]*(?:'[^']*'|"(?:\\.|[^"\\])*"))*)((?:\\.|[^\\\n\r])*)""", re.DOTALL | re.ASCII
)
QUOTED = re.compile(r"""'([^']*)'|"((?:\\.|[^"\\])*)\"""", re.DOTALL)


def by_expression(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    at = 0
    while at < len(text):
        line = SETTING.match(text, at)
        if line:
            quoted = [single or probe.unescaped(double, '\n"\\\\`$') for single, double in QUOTED.findall(line.group(2))]
            found[line.group(1)] = "".join(quoted) + probe.unescaped(line.group(3), r"\s\S").strip()
            at = line.end()
        end = re.compile("[\n\r]|$").search(text, at)
        at = end.end() if end else len(text)
    return found


@settings(deadline=None, max_examples=300)
@given(text=some.text(some.sampled_from("\"'\\ \t\n\r=Ab#"), max_size=30).map(lambda text: f"A={text}"))
def test_settings_are_read_as_before(text: str) -> None:
    assert probe.settings(text) == by_expression(text)


# --------------------------------------------------------------------------------------------------------------- folders


def test_a_tree_too_deep_is_told(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "COPY_ROOTS", (str(place),))
    deep = place / "deep"
    deep.mkdir()
    argv = [sys.executable, "-c", "import os\nfor _ in range(10000): os.mkdir('x' * 20); os.chdir('x' * 20)"]
    subprocess.run(argv, cwd=deep, check=True)
    try:
        outcome = probe.guarded(lambda: probe.copies([]))
        told = outcome["value"]["found"] if os.geteuid() == 0 else [{"kind": {"failed": "unreadable"}[outcome["error"]["kind"]]}]
        assert [row["kind"] for row in told] == ["unreadable"]
        with probe.Folder(str(deep)) as folder:
            outcome = probe.guarded(lambda: list(folder.walk(lambda *_: False)))
        assert outcome["error"]["kind"] == "failed"
    finally:
        subprocess.run(["rm", "-rf", str(deep)], check=True)


def test_a_folder_of_too_many_names_is_an_error(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "NAMES_AT_MOST", 20)
    for number in range(30):
        (checkout / f"app/{number}").touch()
    outcome = probe.guarded(lambda: probe.checkout(service(checkout)))
    assert "over 20 names in one folder" in outcome["error"]["text"]


@pytest.mark.parametrize(
    ("most", "function"),
    [
        ("PROCESSES_AT_MOST", probe.processes),
        ("ARGUMENTS_AT_MOST", probe.processes),
        ("OPEN_AT_MOST", probe.socket_holders),
        ("MOUNTS_AT_MOST", lambda: probe.mounts_of("self")),
        ("ROWS_AT_MOST", probe.sockets),
        ("ROWS_AT_MOST", probe.places_to_write),
        ("ENVIRONMENT", lambda: probe.environment(os.getpid())),
    ],
)
def test_what_is_too_many_is_an_error_and_no_part(monkeypatch: pytest.MonkeyPatch, most: str, function: Any) -> None:
    monkeypatch.setattr(probe, most, 0)
    assert probe.guarded(function)["error"]["kind"] == "failed"


def test_a_script_that_is_too_long_is_not_read_in_part(tmp_path: Path) -> None:
    script = tmp_path / "long.sh"
    script.write_text("#!/bin/sh\n" + "#\n" * 600_000 + "git pull\n")
    script.chmod(0o755)
    with pytest.raises(probe.Trouble, match="a script of over"):
        probe.movers(f"* * * * * root {script}")


def test_a_script_behind_many_others_is_followed(tmp_path: Path) -> None:
    script = tmp_path / "last.sh"
    script.write_text("#!/bin/sh\ngit pull\n")
    script.chmod(0o755)
    for number in range(250):
        (tmp_path / f"{number}.sh").write_text(":")
    words = " ".join(f"{tmp_path}/{number}.sh" for number in range(250))
    assert probe.movers(f"{words} {script}") == {"git"}
