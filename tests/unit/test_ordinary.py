"""Ordinary things: how they are written, and what their entries say. That all holds with them is proved by `make ordinary`."""

from __future__ import annotations

import re
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from lab import places
from lab.proving import breaking, entries, trying
from lab.proving.fault import all_faults
from lab.proving.judge import Finding
from lab.proving.ordinary import Ordinary, all_ordinary, read
from lab.proving.ordinary_page import PAGE, page
from lab.proving.script import by_name, judged_ids
from tests.pages import must_be_as_made
from voxgate.errors import VoxgateError

GOOD = """\
# A nightly rsync.
# host: sip-1
# common: most hosts
# entry: [boot]
# entry: sip = ["rsync.service"]
# without: boot-starts-only-what-is-known[sip-1]
inject() { :; }
landed() { :; }
mend() { :; }
"""


def written(folder: Path, text: str = GOOD, name: str = "one") -> Ordinary:
    path = folder / f"{name}.sh"
    path.write_text(text, "utf-8")
    return read(path)


def test_the_page_is_current() -> None:
    """docs/ORDINARY.md is made from the headers."""
    must_be_as_made(PAGE, page())


@pytest.mark.parametrize("thing", all_ordinary(), ids=lambda thing: thing.name)
def test_each_can_be_said(thing: Ordinary) -> None:
    """Its entry makes an estate that loads, and what it declares names judgements."""
    thing.declared(judged_ids(entries.lab_with([thing])))


def test_no_name_is_a_faults() -> None:
    """`lab break NAME` means one of them."""
    assert not {thing.name for thing in all_ordinary()} & {fault.name for fault in all_faults()}
    assert by_name("sshd-banner").host == "api-1"
    assert by_name(all_faults()[0].name).script == all_faults()[0].script


def test_a_header_is_read(tmp_path: Path) -> None:
    thing = written(tmp_path)
    assert (thing.about, thing.host, thing.common) == ("A nightly rsync.", "sip-1", "most hosts")
    assert thing.entry == '[boot]\nsip = ["rsync.service"]'
    assert thing.declared(["boot-starts-only-what-is-known[sip-1]", "other"]) == {
        "boot-starts-only-what-is-known[sip-1]": "violated"
    }


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("# common: most hosts\n", "", "does not say where it is met"),
        ("# without: boot-starts-only-what-is-known[sip-1]\n", "", "says an entry, and not what is wrong"),
        ('# entry: [boot]\n# entry: sip = ["rsync.service"]\n', "", "says what is wrong, and no entry"),
        ("# common:", "# violated:", "unknown or double key"),
        ("mend()", "mends()", "has no mend()"),
    ],
)
def test_a_bad_header_is_one_line(tmp_path: Path, old: str, new: str, said: str) -> None:
    with pytest.raises(VoxgateError, match=said):
        written(tmp_path, GOOD.replace(old, new))


def test_entries_are_joined(tmp_path: Path) -> None:
    """Lists grow, tables are joined, and the lab's own words stay."""
    two = GOOD.replace('["rsync.service"]', '["rsync.service", "restic.service"]').replace(
        "# entry: [boot]", "# entry: [boot]  # x"
    )
    of_lab = entries.lab_with([written(tmp_path), written(tmp_path, two, "two")])
    assert set(of_lab.boots(of_lab.host("sip-1")).entries) == {"lab-network.service", "rsync.service", "restic.service"}
    assert entries.lab_with([]).boots(of_lab.host("sip-1")).entries == ("lab-network.service",)


def test_entries_that_say_other_things(tmp_path: Path) -> None:
    """They are looked at one after the other, and so is what must be alone."""
    one = written(tmp_path, GOOD.replace("[boot]", "[estate]").replace('sip = ["rsync.service"]', "bake = 4"), "one")
    with pytest.raises(VoxgateError, match=re.escape("one: estate.bake is 3 already: its entry says 4")):
        entries.lab_with([one, written(tmp_path, GOOD, "other")])
    assert entries.lab_with([one]).bake == 4, "with no other it says it in place of the lab's own estate"
    told = '[hosts.sip-1]\n# entry: probe = "PROBE"'
    wants = [GOOD.replace("[boot]", told).replace('# entry: sip = ["rsync.service"]\n', "") for _ in range(2)]
    first = written(tmp_path, wants[0].replace("PROBE", "stdin"), "first")
    second = written(tmp_path, wants[1].replace("PROBE", "installed"), "second")
    alone = written(tmp_path, GOOD.replace("# common", "# alone: it empties the journal\n# common"), "alone")
    third = written(tmp_path, GOOD, "third")
    silent = written(tmp_path, re.sub("(?m)^# (entry|without):.*\n", "", GOOD), "silent")
    assert [[one.name for one in group] for group in trying.grouped([silent, one, first, second, alone, third])] == [
        ["silent", "first", "third"],
        ["one"],
        ["second"],
        ["alone"],
    ]


def test_an_entry_that_is_no_toml(tmp_path: Path) -> None:
    with pytest.raises(VoxgateError, match="its entry is not valid TOML"):
        entries.lab_with([written(tmp_path, GOOD.replace("[boot]", "[boot"))])


def test_an_entry_may_end_some_day(tmp_path: Path) -> None:
    thing = written(tmp_path, GOOD.replace('["rsync.service"]', '["{in 30 days}"]').replace("[boot]", "[x]"))
    assert entries.parsed(thing) == {"x": {"sip": [(datetime.now(UTC).date() + timedelta(days=30)).isoformat()]}}


def test_a_trial_says_what_came_otherwise(tmp_path: Path) -> None:
    """Red with its entry, idle without it, more than it declares: each is a line, and none of them is proved."""
    thing = written(tmp_path)
    declared = {"boot-starts-only-what-is-known[sip-1]": "violated"}
    red = Finding("violated", "sip-1 starts rsync")
    good = trying.Trial(thing, declared, seen={"boot-starts-only-what-is-known[sip-1]": red})
    assert (good.is_proved, good.differences) == (True, [])
    bad = trying.Trial(thing, declared, seen={"b[x]": red})
    assert bad.differences == [
        "without its entry b[x] is violated, declared holds: sip-1 starts rsync",
        "without its entry boot-starts-only-what-is-known[sip-1] is holds, declared violated",
    ]
    worse = trying.Trial(thing, declared, red={"a[x]": red})
    assert worse.differences == ["a[x] is violated: sip-1 starts rsync"], "nobody asked then what is so without the entry"
    assert not bad.is_proved
    assert not worse.is_proved
    assert not trying.Trial(thing, {}, trouble="did not land").is_proved


def test_what_has_another_name_now_is_struck_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else no lab on this machine could be used any more."""
    monkeypatch.setattr(places, "RUN", tmp_path)
    (tmp_path / "broken").write_text("a-name-of-before\n")
    assert breaking.mend_all() == []
    assert breaking.broken() == set()


def test_who_reads_the_record_while_it_is_written_finds_what_is_in_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hosts are mended at once: what is not found in the record would stay on its host for good."""
    monkeypatch.setattr(places, "RUN", tmp_path)
    breaking._note("stays", there=True)
    noted = threading.Event()

    def others() -> None:
        for number in range(500):
            breaking._note(f"other-{number % 40}", there=number % 80 < 40)
        noted.set()

    writer = threading.Thread(target=others)
    writer.start()
    seen = []
    while not noted.is_set():
        seen.append("stays" in breaking.broken())
    writer.join()
    assert seen
    assert all(seen), f"{seen.count(False)} of {len(seen)} readings found nothing"
