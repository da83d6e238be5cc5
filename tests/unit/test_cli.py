"""The command ``voxgate``: what goes wrong is one line, and to a monitor it is UNKNOWN."""

from __future__ import annotations

from pathlib import Path

import pytest

from voxgate.cli.main import main
from voxgate.cli.merge import folders_of
from voxgate.report.monitors import Level


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.write_text("")
    return path


@pytest.mark.parametrize("reports", ["/proc/nope", "FILE"])
def test_a_watch_without_a_place_for_its_runs_is_unknown(reports: str, file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status = main(["watch", "--estate", "lab", "--reports", reports.replace("FILE", str(file))])
    said = capsys.readouterr()
    assert status == Level.UNKNOWN
    assert said.out.startswith("VOXGATE UNKNOWN - lab: ")
    assert "Traceback" not in said.out + said.err


@pytest.mark.parametrize(("words", "status"), [(("watch", "--estate", "lab"), Level.UNKNOWN), (("merge", "x"), 1)])
def test_what_cannot_be_written_is_one_line(
    words: tuple[str, ...], status: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def cannot(*_: object, **__: object) -> int:
        (tmp_path / "nowhere" / "voxgate.prom").write_text("")
        return 0

    monkeypatch.setattr(f"voxgate.cli.main.{words[0]}", cannot)
    assert main(words) == status
    said = capsys.readouterr()
    assert "nowhere/voxgate.prom" in said.out + said.err
    assert "Traceback" not in said.out + said.err


def test_folders_in_one_word_are_parted_at_spaces(tmp_path: Path) -> None:
    assert folders_of("a  b c") == ["a", "b", "c"]
    assert folders_of("") == []
    (tmp_path / "with space").mkdir()
    assert folders_of(f"{tmp_path}/with space") == [f"{tmp_path}/with space"]
