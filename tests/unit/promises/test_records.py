"""What is asked of stores: only where it may be, and a store that is away is one line without its address."""

from __future__ import annotations

from pathlib import Path

import pytest

from voxgate.contracts.estates import services_of
from voxgate.promises import test_between
from voxgate.promises.asking import Asker
from voxgate.promises.contract import Contract, promise_of
from voxgate.promises.records import AwayError, entry, is_local

DIALLER = next(one for one in services_of(Path("hosts")) if one.name == "dialler")
PLACES = promise_of(test_between.test_it_places_a_due_call)


@pytest.mark.parametrize(
    ("start", "settings", "why"),
    [
        ((), {"MONGODB_URI": "mongodb://127.0.0.1:27017/vox"}, "as it was not started here (--start)"),
        (("true",), {}, "as MONGODB_URI is not known (--env)"),
        (("true",), {"MONGODB_URI": "mongodb://data.vox.example:27017/vox"}, "as MONGODB_URI is elsewhere"),
        (("true",), {"MONGODB_URI": "mongodb://localhost:27017/vox"}, ""),
    ],
)
def test_a_call_is_put_into_no_database_but_a_local_one(start: tuple[str, ...], settings: dict[str, str], why: str) -> None:
    """A dialler dials what is due there: real people."""
    assert Contract(DIALLER, Asker("127.0.0.1", 8090), start, settings).why_not(PLACES) == why


@pytest.mark.parametrize(
    ("uri", "local"),
    [
        ("mongodb://vox:secret@127.0.0.1:27017/vox", True),
        ("mongodb://[::1]:27017/vox", True),
        ("mongodb://127.0.0.1:27017,data.vox.example:27017/vox", False),
        ("mongodb+srv://localhost.vox.example/vox", False),
        ("mongodb+srv://localhost/vox", False),
        ("mongodb://[half/vox", False),
    ],
)
def test_what_is_local(uri: str, *, local: bool) -> None:
    assert is_local(uri) is local


def test_a_store_that_is_away_is_a_line_without_its_address() -> None:
    for url in ("redis://:s3cret@127.0.0.1:1/0", "http://s3cret"):
        with pytest.raises(AwayError) as error:
            entry(url, "api-1/1")
        assert "s3cret" not in str(error.value)
