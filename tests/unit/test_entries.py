"""Entries of an estate: as they are written, joined, and told by a rule."""

from __future__ import annotations

import tomllib
from datetime import date

import pytest

from voxgate.model.entry import Entry, Value, joined, toml
from voxgate.plugin.invariants import entries_of, say, say_all
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


def test_a_hint_ends_with_the_lines_to_paste() -> None:
    error = AssertionError(say_all("sip-1", ["a", "b"], "stop it", estate="lab", entries=[ONE, Entry(("boot", "sip-1"), ("a",))]))
    said = "stop it; or add to [listeners] in hosts/lab.toml: " + ONE.line + '; or add to [boot] in hosts/lab.toml: sip-1 = ["a"]'
    words = words_of(error, None, None, date(2026, 11, 28))
    assert (words.found, words.advice) == ("sip-1: a; b", said)
    assert [one.place for one in entries_of(error)] == [("listeners", "sip-1"), ("boot", "sip-1")]
    assert entries_of(AssertionError("plain")) == entries_of(AssertionError(say("a", "b"))) == ()
