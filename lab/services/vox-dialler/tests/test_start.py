"""The dialler starts only with all of its settings, and says which one is not there."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from vox_dialler.settings import Settings, SettingsError

SECRET = "canary-8d1f"  # noqa: S105
GOOD = {
    "MONGODB_URI": f"mongodb://vox:{SECRET}@127.0.0.1:1/vox",
    "REDIS_URL": f"redis://:{SECRET}@127.0.0.1:1/0",
    "LIVEKIT_URL": "ws://127.0.0.1:1",
    "LIVEKIT_API_KEY": "vox-key",
    "LIVEKIT_API_SECRET": SECRET,
    "SIP_TRUNK_ID": "ST_lab",
    "DIALLER_TICK_SECONDS": "1",
}


@pytest.mark.parametrize("key", GOOD)
@pytest.mark.parametrize("value", ["", "  "], ids=["empty", "blank"])
def test_every_setting_is_required(key, value):
    with pytest.raises(SettingsError) as error:
        Settings.read({**GOOD, key: value})
    assert str(error.value) == f"missing or empty settings: {key}"


@pytest.mark.parametrize("value", ["0", "-1", "nan", "inf", "61", "soon"])
def test_a_tick_is_a_sane_number_of_seconds(value):
    with pytest.raises(SettingsError, match="DIALLER_TICK_SECONDS"):
        Settings.read({**GOOD, "DIALLER_TICK_SECONDS": value})


def test_settings_do_not_show_their_values():
    assert SECRET not in repr(Settings.read(GOOD))


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"SIP_TRUNK_ID": ""}, "missing or empty settings: SIP_TRUNK_ID"),
        ({"MONGODB_URI": f"mongodb://vox:{SECRET}@127.0.0.1:1"}, "MONGODB_URI names no database"),
        ({"MONGODB_URI": f"http://{SECRET}"}, "MONGODB_URI is not a usable MongoDB URI"),
    ],
    ids=["missing", "no database", "no URI"],
)
def test_what_is_missing_ends_the_process_with_one_line(change, line):
    ended = subprocess.run(
        [sys.executable, "-m", "vox_dialler"],
        cwd=Path(__file__).parent.parent,
        env={**os.environ, **GOOD, **change},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert ended.returncode == 1
    assert ended.stderr.splitlines() == [f"vox-dialler: {line}"]
