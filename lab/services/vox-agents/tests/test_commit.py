"""The commit is read from the files of a checkout, whatever form HEAD has."""

from pathlib import Path

import pytest

from vox_agents.commit import UNKNOWN, read_commit

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def checkout(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        file = root / ".git" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return root


@pytest.mark.parametrize(
    "files",
    [
        {"HEAD": f"{COMMIT}\n"},
        {"HEAD": "ref: refs/heads/main\n", "refs/heads/main": f"{COMMIT}\n"},
        {
            "HEAD": "ref: refs/heads/main\n",
            "packed-refs": f"# pack-refs with: peeled\n{'f' * 40} refs/heads/main-2\n"
            f"{COMMIT} refs/heads/main\n^{'e' * 40}\n",
        },
    ],
    ids=["detached", "loose", "packed"],
)
def test_head_is_resolved_to_its_commit(tmp_path, files):
    assert read_commit(checkout(tmp_path, files)) == COMMIT


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"HEAD": "not a commit\n"},
        {"HEAD": "ref: refs/heads/gone\n"},
        {"HEAD": "ref: refs/../../secret\n"},
        {"HEAD": "ref: refs/heads/loop\n", "refs/heads/loop": "ref: refs/heads/loop\n"},
    ],
    ids=["no checkout", "rubbish", "no such ref", "outside", "loop"],
)
def test_what_cannot_be_read_is_unknown_and_never_a_guess(tmp_path, files):
    assert read_commit(checkout(tmp_path, files)) == UNKNOWN
