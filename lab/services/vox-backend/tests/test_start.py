"""The service starts only with all of its settings, and says which one is not there."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from vox_backend.settings import Settings, SettingsError
from vox_backend.stores import Stores

SECRET = "canary-8d1f"  # noqa: S105
GOOD = {
    "MONGODB_URI": f"mongodb://vox:{SECRET}@127.0.0.1:1/vox",
    "REDIS_URL": f"redis://:{SECRET}@127.0.0.1:1/0",
    "S3_ENDPOINT": "http://127.0.0.1:1",
    "S3_ACCESS_KEY": "vox-access",
    "S3_SECRET_KEY": SECRET,
    "LIVEKIT_URL": "ws://127.0.0.1:1",
    "LIVEKIT_API_KEY": "vox-key",
    "LIVEKIT_API_SECRET": SECRET,
    "JWT_SECRET": SECRET,
}


@pytest.mark.parametrize("key", GOOD)
@pytest.mark.parametrize("value", [None, "", "  "], ids=["missing", "empty", "blank"])
def test_every_setting_is_required(key, value):
    environ = (
        {**GOOD, key: value} if value is not None else {k: v for k, v in GOOD.items() if k != key}
    )
    with pytest.raises(SettingsError) as error:
        Settings.read(environ)
    assert str(error.value) == f"missing or empty settings: {key}"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("MONGODB_URI", f"mongodb://vox:{SECRET}@:x/"),
        ("MONGODB_URI", f"postgres://{SECRET}"),
        ("REDIS_URL", f"http://:{SECRET}@h"),
        ("REDIS_URL", f"redis://:{SECRET}@h:port"),
        ("S3_ENDPOINT", f"{SECRET}:9000"),
        ("LIVEKIT_URL", f"livekit/{SECRET}"),
    ],
)
def test_an_unusable_address_is_refused_without_showing_it(key, value):
    with pytest.raises(SettingsError) as error:
        Stores(Settings.read({**GOOD, key: value}))
    assert str(error.value).startswith(key)
    assert SECRET not in str(error.value)
    assert error.value.__cause__ is None


def test_settings_do_not_show_their_values():
    assert SECRET not in repr(Settings.read(GOOD))


def test_without_a_setting_the_process_ends_with_one_line():
    environ = {k: v for k, v in os.environ.items() if k not in GOOD} | GOOD
    del environ["JWT_SECRET"]
    ended = subprocess.run(
        [sys.executable, "-m", "uvicorn", "vox_backend.app:app", "--port", "0"],
        cwd=Path(__file__).parent.parent,
        env=environ,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert ended.returncode == 1
    assert ended.stderr.splitlines() == ["vox-backend: missing or empty settings: JWT_SECRET"]
