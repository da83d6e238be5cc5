"""The image's layers: what stands on what, what is built anew, and what is left alone."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lab import estate, image
from lab.image import Layer
from lab.proving.ordinary import Ordinary, all_ordinary
from voxgate.errors import VoxgateError

if TYPE_CHECKING:
    from collections.abc import Callable

RECIPE = Path(image.__file__).parent / "recipe"
POOLS = {estate.NEWER: "pool.txt", estate.OLDER: "pool12.txt"}
INSTALLS = re.compile(r"(?:^\t|\{ )package ([^\n;#|&}]+)", re.MULTILINE)


def test_the_probe_lives_on_two_systems() -> None:
    releases = {host.name: host.release for host in estate.hosts()}
    assert releases["data"] == "bookworm"
    assert releases["api-1"] == "trixie"


@pytest.mark.parametrize("release", sorted(image.STACKS))
def test_the_layers_of_a_host_stand_on_a_rootfs_of_its_release(release: str) -> None:
    below = {layer.name: layer.below for layer in image.layers()}
    names = image.STACKS[release]
    assert image.ROOTFS[names[0]][0] == release
    assert below[names[0]] == ""
    assert all(below[name] in names[:number] for number, name in enumerate(names) if number)


def test_a_layer_is_known_by_what_it_is_made_of_and_by_all_below() -> None:
    one, other = (Layer("one", "", (content,), _nothing) for content in (b"1", b"2"))
    assert one.digest("") == one.digest("")
    assert len({one.digest(""), other.digest(""), one.digest("below")}) == 3


@pytest.mark.parametrize(
    "thing", [thing for thing in all_ordinary() if INSTALLS.search(thing.code)], ids=lambda thing: thing.name
)
def test_what_a_script_installs_is_in_the_pool_of_its_host(thing: Ordinary) -> None:
    pooled = (RECIPE / POOLS[estate.host(thing.host).release]).read_text()
    names = {name for line in pooled.splitlines() if not line.startswith("#") for name in line.split()}
    wanted = {name for found in INSTALLS.findall(thing.code) for name in found.split()}
    assert wanted <= names


def test_all_layers_are_built_each_after_the_one_below(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    seen = _in(monkeypatch, tmp_path, _layers())
    image.build(lambda _: None)
    assert {name: [folder.name.partition("-")[0] for folder in below] for name, below in seen.items()} == {
        "low": [],
        "low12": [],
        "high": ["low"],
        "top": ["low", "high"],
    }
    assert all(folder.is_dir() for folder in image.folders().values())
    seen.clear()
    image.build(lambda _: None)
    assert not seen, "what stands is not built again"


def test_an_older_layer_goes_with_the_newer_and_no_other(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    _in(monkeypatch, tmp_path, _layers())
    image.build(lambda _: None)
    before = image.folders()
    seen = _in(monkeypatch, tmp_path, _layers(b"changed"))
    image.build(lambda _: None)
    after = image.folders()
    assert set(seen) == {"low", "high", "top"}
    assert not any(before[name].exists() for name in seen)
    assert before["low12"] == after["low12"]
    assert after["low12"].is_dir(), "low12 is another layer, though its name begins so"


def test_a_layer_that_cannot_be_built_is_an_error_and_nothing_stands_on_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def fails(name: str, draft: Path, below: tuple[Path, ...]) -> None:
        raise VoxgateError("no network", where=name)

    layers = [Layer("low", "", (), fails), *_layers()[1:]]
    seen = _in(monkeypatch, tmp_path, layers)
    with pytest.raises(VoxgateError, match="no network"):
        image.build(lambda _: None)
    assert set(seen) == {"low12"}


def _nothing(name: str, draft: Path, below: tuple[Path, ...]) -> None:
    raise AssertionError(name)


def _layers(content: bytes = b"") -> list[Layer]:
    made = [("low", "", content), ("low12", "", b""), ("high", "low", b""), ("top", "high", b"")]
    return [Layer(name, below, (of,), _nothing) for name, below, of in made]


def _in(monkeypatch: pytest.MonkeyPatch, cache: Path, layers: list[Layer]) -> dict[str, tuple[Path, ...]]:
    """These layers in a cache of their own; what each found below it when it was built."""
    seen: dict[str, tuple[Path, ...]] = {}

    def builds(name: str, draft: Path, below: tuple[Path, ...]) -> None:
        assert all(folder.is_dir() for folder in below)
        seen[name] = below
        (draft / "tree").mkdir()

    def own(build: Callable[[str, Path, tuple[Path, ...]], None]) -> Callable[[str, Path, tuple[Path, ...]], None]:
        return builds if build is _nothing else build

    these = tuple(Layer(one.name, one.below, one.made_of, own(one.build)) for one in layers)
    monkeypatch.setattr(image, "layers", lambda: these)
    monkeypatch.setitem(os.environ, "XDG_CACHE_HOME", str(cache))
    return seen
