"""Entries of an estate: as they are written, joined, and told by a rule."""

from __future__ import annotations

import tomllib
from datetime import date

import pytest

from voxgate.model.entry import Entry, Value, joined, toml
from voxgate.plugin.invariants import ARROW, entries_of, say, say_all, say_each
from voxgate.plugin.words import words_of

ONE = Entry(("listeners", "sip-1"), {"snmpd.service": ("udp:161",), "agent@2.service": (8126,)}, "snmpd listens")


def test_an_entry_is_a_line_of_a_table() -> None:
    assert (ONE.table, ONE.line) == ("[listeners]", 'sip-1 = { "snmpd.service" = ["udp:161"], "agent@2.service" = [8126] }')
    odd = Entry(("sudo", "all", "%ops"), ('say "ü"\\', True, 7))
    assert (odd.table, odd.line) == ("[sudo.all]", '"%ops" = ["say \\"ü\\"\\\\", true, 7]')


@pytest.mark.parametrize(
    ("value", "read"),
    [
        ("a\nb\t\x7f\x00\u2028é", "a\nb\t\x7f\x00\u2028é"),
        (("x", 1, True), ["x", 1, True]),
        ({"a.b": {"c d": ("e",)}, "": "x", "\x7f": ()}, {"a.b": {"c d": ["e"]}, "": "x", "\x7f": []}),
    ],
)
def test_what_is_written_is_what_toml_reads(value: Value, read: object) -> None:
    assert tomllib.loads(f"x = {toml(value)}")["x"] == read


def test_entries_at_one_place_are_one() -> None:
    two = Entry(("listeners", "sip-1"), {"snmpd.service": ("udp:161", "udp:162")})
    assert joined([ONE, two, Entry(("boot", "all"), ("a",)), Entry(("boot", "all"), ("b", "a"))]) == (
        Entry(("listeners", "sip-1"), {"snmpd.service": ("udp:161", "udp:162"), "agent@2.service": (8126,)}),
        Entry(("boot", "all"), ("a", "b")),
    )


def test_no_number_of_entries_is_compared_each_with_each() -> None:
    """A host says how many jobs, keys or programs there are, each of which an entry would allow."""
    lists = [Entry(("boot", "all"), (f"a{number}.service",)) for number in range(150_000)]
    tables = [Entry(("listeners", "sip-1"), {"a.service": (f"udp:{number}",)}) for number in range(150_000)]
    first, second = joined([*lists, *tables, *lists])
    assert isinstance(first.value, tuple)
    assert isinstance(second.value, dict)
    assert (len(first.value), len(second.value["a.service"])) == (150_000, 150_000)


def test_no_number_of_remedies_is_compared_each_with_each() -> None:
    """A host says how many servers its HAProxy has, each with a remedy of its own."""
    each = [f"systemctl restart a{number}.service" for number in range(150_000)]
    last = [f"haproxy -c; {each[7]}", f"then haproxy -c; {each[7]}", each[7], each[8]]
    done = (
        say_each("sip-1", [(f"server {number}", do) for number, do in enumerate([*each, *last])]).rpartition(ARROW)[2].split("; ")
    )
    assert done[:9] == [*each[:7], *each[8:10]]
    assert done[-3:] == [each[-1], "then haproxy -c", each[7]]


def test_what_was_found_is_kept_as_far_as_anybody_reads() -> None:
    """A rule names all that it found. What one host says would else fill a verdict, which nobody could read again then."""
    findings = [f"process {number} of joe is /home/joe/tool" for number in range(100_000)]
    error = AssertionError(say_all("sip-1", findings, "end it", entries=[Entry(("jobs", "sip-1"), tuple(findings))]))
    words = words_of(error, None, None, date(2026, 11, 28))
    assert words.found.startswith(f"sip-1: {findings[0]}; {findings[1]}; ")
    assert words.found.endswith(" letters more, which are not kept")
    assert words.found.split("; ")[-2] in findings
    assert len(words.found) < 60_000 > len(words.advice)


def test_no_command_is_kept_with_half_a_number() -> None:
    error = AssertionError(say_all("sip-1", ["x"], "kill " + " ".join("123456" for _ in range(10_000))))
    words = words_of(error, None, None, date(2026, 11, 28)).advice.partition("; ")[0].split()
    assert (words[0], set(words[1:])) == ("kill", {"123456"})


def test_a_hint_ends_with_the_lines_to_paste() -> None:
    error = AssertionError(say_all("sip-1", ["a", "b"], "stop it", estate="lab", entries=[ONE, Entry(("boot", "sip-1"), ("a",))]))
    said = (
        "stop it; or as voxgate draft --estate lab --write does, add to [listeners] in hosts/lab.toml: "
        + ONE.line
        + '; or add to [boot] in hosts/lab.toml: sip-1 = ["a"]'
    )
    words = words_of(error, None, None, date(2026, 11, 28))
    assert (words.found, words.advice) == ("sip-1: a; b", said)
    assert [one.place for one in entries_of(error)] == [("listeners", "sip-1"), ("boot", "sip-1")]
    assert entries_of(AssertionError("plain")) == entries_of(AssertionError(say("a", "b"))) == ()
