"""The terminal and the names of tests, cut; JUnit's file, cut when it is written."""

from __future__ import annotations

import io
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from tests.built import probe
from voxgate.redaction.cutting import MARK, Redactor
from voxgate.redaction.randomness import cut_random, is_random
from voxgate.report.junit import scrub_file
from voxgate.report.terminal.stream import CutStream, unique_names

SECRET = "canary-in-words"


def test_what_is_written_is_cut_and_all_else_is_the_files_own() -> None:
    inner = io.StringIO()
    stream = CutStream(inner, Redactor([SECRET]))
    assert stream.write(f"got {SECRET}\n") == len(f"got {SECRET}\n")
    stream.flush()
    assert not stream.isatty()
    assert inner.getvalue() == f"got {MARK}\n"


def test_a_terminal_keeps_the_colours_of_the_gate_and_nothing_else() -> None:
    inner = io.StringIO()
    stream = CutStream(inner, Redactor([SECRET]))
    stream.write(f"\x1b[32m{SECRET}\x1b[0m\r\x1b[2K\x1b]0;title\x07")
    assert inner.getvalue() == f"\x1b[32m{MARK}\x1b[0m\r\x1b[2K\\x1b]0;title\\x07"


def test_two_tests_are_never_one() -> None:
    names = [
        "test_x[mongodb://u:one@h]",
        "test_x[mongodb://u:two@h]",
        "test_y[plain]",
        f"test_z[mongodb://{MARK}@h]",
        "test_z[mongodb://u:three@h]",
    ]
    cut = unique_names(names, Redactor())
    assert len(set(cut)) == len(names)
    assert cut[:3] == [f"test_x[mongodb://{MARK}@h]", f"test_x[mongodb://{MARK}@h-2]", "test_y[plain]"]
    assert not any(word in "".join(cut) for word in ("one", "two", "three"))


def test_a_junit_file_is_cut_and_stays_xml(tmp_path: Path) -> None:
    path = tmp_path / "junit.xml"
    path.write_text(
        '<suite><case name="password=x1y2z3&quot;"><failure message="a">api_key: abc&lt;/x&gt;</failure>tail</case></suite>'
    )
    scrub_file(str(path), Redactor())
    root = ET.parse(path).getroot()  # noqa: S314 - written a moment ago
    assert "x1y2z3" not in path.read_text()
    assert "abc" not in path.read_text()
    case = root.find("case")
    assert case is not None
    assert case.attrib["name"].startswith(f"password={MARK}")


def test_a_file_that_is_none_or_no_xml_is_no_error(tmp_path: Path) -> None:
    scrub_file(str(tmp_path / "nothing.xml"), Redactor())
    path = tmp_path / "half.xml"
    path.write_text("<suite password='secret1")
    scrub_file(str(path), Redactor())
    assert "secret1" not in path.read_text()


def test_no_name_that_the_probe_asks_by_is_one() -> None:
    words = re.findall(r"[A-Za-z0-9_]{16,}", Path(probe.__file__).read_text())
    assert "ExecMainStartTimestampMonotonic" in words
    assert not [word for word in words if is_random(word)]


@pytest.mark.parametrize(
    "word",
    [
        "ThreadPoolExecutor",
        "test_main_tags_and_tree_are_the_remote_s",
        "0123456789abcdef0123456789abcdef01234567",
        "ED25519SIGNATURE",
        "2026-11-22T09-19-21Z-lab-1319",
        "20261122T091921Z",
        "voxcore_3-service_fleet-1",
        "LIVEKIT_API_SECRET_2_OLD",
        "iPhoneOSVersion17",
        "ExecMainStartTimestampMonotonic",
    ],
)
def test_what_a_person_or_a_machine_wrote_by_rule_is_no_secret(word: str) -> None:
    assert not is_random(word)
    assert cut_random(f"x {word} y", lambda _: MARK) == f"x {word} y"
