"""Notes by which a release may go on an estate: as they are signed, found in a folder, and refused."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from voxgate.contracts import approvals
from voxgate.contracts.approvals import Approval, notes_in, read_approval
from voxgate.errors import ContractError

NOTE = Approval(
    "lab", "backend", "vox-backend-2026.06.22-9", "0123456789abcdef" + "0" * 24, "looked", "2026-12-02T10:00:00+02:00"
)
SIGNED = b"""\
{
 "commit": "0123456789abcdef000000000000000000000000",
 "estate": "lab",
 "format": 1,
 "reason": "looked",
 "service": "backend",
 "tag": "vox-backend-2026.06.22-9",
 "until": "2026-12-02T10:00:00+02:00"
}
"""


def test_a_note_is_signed_as_it_is_read() -> None:
    assert NOTE.encode() == SIGNED
    assert read_approval(SIGNED) == NOTE
    assert NOTE.ends == datetime(2026, 12, 2, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("note", "name"),
    [
        (NOTE, "lab-backend-vox-backend-2026.06.22-9"),
        (replace(NOTE, tag=""), "lab-backend-0123456789ab"),
        (replace(NOTE, tag="a/b c_ä"), "lab-backend-a-b-c_-"),
    ],
)
def test_its_file_is_called_after_what_it_lets_in(note: Approval, name: str) -> None:
    assert note.file_name == name


NONE = "x: this is no approval: "
REFUSED = {
    "no object": (b"[]", f"{NONE}TypeError"),
    "a text": (b'""', f"{NONE}AttributeError"),
    "nothing": (b"{}", f"{NONE}KeyError"),
    "another form": (SIGNED.replace(b"1,", b"2,", 1), f"{NONE}its form is another"),
    "a commit that is no text": (SIGNED.replace(b'"looked"', b"1"), f"{NONE}its form is another"),
    "a moment that is none": (SIGNED.replace(b"2026-12-02T10:00:00+02:00", b"soon"), f"{NONE}ValueError"),
    "a moment that no calendar has": (
        SIGNED.replace(b"2026-12-02", b"0001-01-01").replace(b"T10", b"T00"),
        f"{NONE}OverflowError",
    ),
    "a member more": (SIGNED.replace(b'"tag"', b'"and": "", "tag"'), f"{NONE}TypeError"),
    "a member less": (SIGNED.replace(b' "reason": "looked",\n', b""), f"{NONE}TypeError"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_no_note_is_a_line(what: str) -> None:
    body, line = REFUSED[what]
    with pytest.raises(ContractError) as caught:
        read_approval(body, "x")
    assert caught.value.line == line


def test_a_note_is_no_longer_than_one_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(approvals, "_LIMIT", len(SIGNED))
    assert read_approval(SIGNED) == NOTE
    monkeypatch.setattr(approvals, "_LIMIT", len(SIGNED) - 1)
    with pytest.raises(ContractError, match="at most"):
        read_approval(SIGNED)


def test_the_notes_of_a_folder_come_with_their_signatures_the_newest_names_first(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """What has no signature, is a link or too large is left out, and so are the oldest where there are too many."""
    monkeypatch.setattr(approvals, "_LIMIT", len(SIGNED))
    for name in ("a", "c", "b", "large", "shut"):
        (tmp_path / f"{name}.json").write_bytes(SIGNED if name != "large" else SIGNED + b" ")
        (tmp_path / f"{name}.json.sig").write_bytes(name.encode() if name != "shut" else b" " * (len(SIGNED) + 1))
    (tmp_path / "link.json").symlink_to("a.json")
    (tmp_path / "link.json.sig").write_bytes(b"link")
    (tmp_path / "alone.json").write_bytes(SIGNED)
    (tmp_path / "d.txt").write_bytes(SIGNED)
    assert list(notes_in(tmp_path)) == [(tmp_path / f"{name}.json", SIGNED, name.encode()) for name in ("c", "b", "a")]
    monkeypatch.setattr(approvals, "MOST", 4)
    assert [path.name for path, _, _ in notes_in(tmp_path)] == ["c.json"]
    assert list(notes_in(tmp_path / "nowhere")) == []


def test_a_note_says_its_format_first_or_not_at_all() -> None:
    """By which form it is read is known before anything of it is believed."""
    document = json.loads(SIGNED)
    for other in (0, 2, "1", None):
        with pytest.raises(ContractError, match="its form is another"):
            read_approval(json.dumps({**document, "format": other}).encode())
