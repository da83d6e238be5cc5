"""What a probe may be asked: exactly the form, nothing wider. It runs as root, and anybody may have the deploy account."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.built import PROBE, probe

from .conftest import asked_of, service

GOOD = asked_of(service(Path("/opt/vox-backend")))


def request(**changes: Any) -> bytes:
    return json.dumps({"format": 1, "services": [{**GOOD, **changes}]}).encode()


def test_a_good_request_is_read() -> None:
    assert probe.services_of(request()) == [probe.Service(**GOOD)]
    assert probe.services_of(b'{"format":1,"services":[]}') == []


@pytest.mark.parametrize(
    "folder",
    ["/opt/..", "/opt/.", "/opt/", "/opt", "/etc", "/opt/a/b", "/opt/a/../../etc", "/opt/a\n", "/opt/ä", "opt/a", "", 7, None],
)
def test_a_folder_elsewhere_is_refused(folder: object) -> None:
    with pytest.raises(probe.Trouble, match="refused"):
        probe.services_of(request(folder=folder))


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "../x"},
        {"name": "a" * 40},
        {"kind": "go"},
        {"owner": "root; id"},
        {"owner": None},
        {"user": ["vox"]},
        {"unit": "--help.service"},
        {"unit": "a b.service"},
        {"unit": "a.timer"},
        {"units": "voxbridge.service"},
        {"units": ["voxbridge.service", None]},
        {"units": ["x.service"] * 600},
        {"pinned": 1},
        {"required_settings": ["A=B"]},
        {"extra": 1},
    ],
)
def test_a_field_of_another_form_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(probe.Trouble, match="refused"):
        probe.services_of(request(**changes))


@pytest.mark.parametrize(
    "text",
    [b"", b"{", b"[]", b"null", b'{"format":2,"services":[]}', b'{"format":1}', b'{"format":1,"services":{}}', b"[" * 100_000],
)
def test_a_request_of_another_form_is_refused(text: bytes) -> None:
    with pytest.raises(probe.Trouble, match="refused"):
        probe.services_of(text)


def test_a_service_that_stands_twice_is_refused() -> None:
    with pytest.raises(probe.Trouble, match="twice"):
        probe.services_of(json.dumps({"format": 1, "services": [GOOD, GOOD]}).encode())


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5) | st.sampled_from([*GOOD]), inner, max_size=9)
    ),
    max_leaves=15,
)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(
    JSON | st.fixed_dictionaries({"format": st.just(1), "services": st.lists(st.fixed_dictionaries(dict.fromkeys(GOOD, JSON)))})
)
def test_no_request_does_more_than_be_refused(document: object) -> None:
    try:
        services = probe.services_of(json.dumps(document).encode())
    except probe.Trouble:
        return
    assert all(probe.FOLDERS.fullmatch(row.folder) for row in services)


def test_a_refusal_is_a_document_and_exit_status_2() -> None:
    argv = [sys.executable, "-I", str(PROBE)]
    ended = subprocess.run(argv, input=b"nonsense", capture_output=True, timeout=30, check=False)
    document = json.loads(ended.stdout)
    assert ended.returncode == 2
    assert document["error"] == {"kind": "unparsable", "text": "request refused: not JSON"}
    assert set(document) == {"format", "error", "probe"}


def test_a_brief_look_says_of_the_rest_that_it_was_not_asked_for() -> None:
    told = probe.brief_look([])
    assert tuple(told) == probe.SECTIONS
    asked = tuple(name for name, section in told.items() if section is not probe.LATER)
    assert asked == ("units", "processes", "sockets", "engines")
    assert probe.asked_for(b'{"format": 1, "services": [], "asked": "brief"}') == "brief"
    assert probe.asked_for(b'{"format": 1, "services": []}') == "whole"


def test_the_sections_are_named_once() -> None:
    assert set(probe.look([])) == set(probe.SECTIONS)


@pytest.mark.parametrize("asked", [1, True, None, "everything", ["brief"]])
def test_what_is_asked_for_is_one_of_three(asked: object) -> None:
    with pytest.raises(probe.Trouble):
        probe.services_of(json.dumps({"format": 1, "services": [], "asked": asked}).encode())


@pytest.mark.parametrize("only", ["dialler", ["Dialler"], [1], {"dialler": 1}, ["x" * 33]])
def test_only_is_a_list_of_names(only: object) -> None:
    with pytest.raises(probe.Trouble):
        probe.services_of(json.dumps({"format": 1, "services": [], "only": only}).encode())


def test_a_look_at_other_services_says_what_it_left_out() -> None:
    assert probe.only_of(b'{"format": 1, "services": [], "only": ["dialler"]}') == frozenset({"dialler"})
    assert probe.only_of(b'{"format": 1, "services": []}') is None
    told = probe.look(probe.services_of(request()), frozenset({"another"}))
    left_out = {"kind": "missing", "text": "not asked for: this look is at other services"}
    assert told["jobs"]["error"] == left_out
    assert "value" in told["units"] or told["units"]["error"] != left_out
    assert {name: row["error"] for name, row in told["checkouts"]["value"].items()} == {"backend": left_out}
