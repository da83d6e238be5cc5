"""A worker starts only with all of its settings, and says which one is not there."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from vox_agents.settings import Settings, SettingsError

SECRET = "canary-8d1f"  # noqa: S105
GOOD = {
    "REDIS_URL": f"redis://:{SECRET}@127.0.0.1:1/0",
    "LIVEKIT_URL": "ws://127.0.0.1:1",
    "LIVEKIT_API_KEY": "vox-key",
    "LIVEKIT_API_SECRET": SECRET,
    "OPENAI_API_KEY": SECRET,
    "DEEPGRAM_API_KEY": SECRET,
}


@pytest.mark.parametrize("key", GOOD)
@pytest.mark.parametrize("value", ["", "  "], ids=["empty", "blank"])
def test_every_setting_is_required(key, value):
    with pytest.raises(SettingsError) as error:
        Settings.read({**GOOD, key: value})
    assert str(error.value) == f"missing or empty settings: {key}"


@pytest.mark.parametrize("key", ["REDIS_URL", "LIVEKIT_URL"])
def test_an_unusable_address_is_refused_without_showing_it(key):
    with pytest.raises(SettingsError) as error:
        Settings.read({**GOOD, key: f"http:/{SECRET}"})
    assert str(error.value).startswith(f"{key} is not a URL")
    assert SECRET not in str(error.value)


def test_settings_do_not_show_their_values():
    assert SECRET not in repr(Settings.read(GOOD))


@pytest.mark.parametrize(
    ("settings", "worker", "status", "last_line"),
    [
        (
            {**GOOD, "OPENAI_API_KEY": ""},
            "1",
            1,
            "vox-agents: missing or empty settings: OPENAI_API_KEY",
        ),
        (GOOD, "0", 2, "vox_agents: error: argument --worker: a worker is a number from 1 to 99"),
    ],
    ids=["setting", "number"],
)
def test_what_is_missing_ends_the_process_with_one_line(settings, worker, status, last_line):
    ended = subprocess.run(  # noqa: S603
        [sys.executable, "-m", "vox_agents", "--worker", worker],
        cwd=Path(__file__).parent.parent,
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert ended.returncode == status
    assert ended.stderr.splitlines()[-1] == last_line
