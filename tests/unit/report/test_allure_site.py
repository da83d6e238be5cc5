"""The Allure page: installed once, made whole or not at all, and alone in the world."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from voxgate.contracts.estates import cache_folder
from voxgate.errors import VoxgateError
from voxgate.model.estate import Estate
from voxgate.model.verdict import RunOutcome
from voxgate.redaction.cutting import Redactor
from voxgate.report.allure.files import write_item
from voxgate.report.allure.run import complete
from voxgate.report.allure.sealing import external_loads, sealed
from voxgate.report.allure.site import RECIPE, make_page
from voxgate.transport.clients.npm import node_and_npm

from .chromium import opened
from .test_allure_run import result_of

GOOGLE = '<script async src="https://www.googletagmanager.com/gtag/js?id=G-1"></script>'
PAGE = f"<html><head><title>x</title></head><body>{GOOGLE}<script>\n gtag('js');\n</script><p>kept</p></body></html>"


@dataclass(frozen=True, slots=True)
class Ended:
    """How a played process ended."""

    exit_status: int = 0
    stdout: bytes = b""
    stderr: bytes = b""


@dataclass(slots=True)
class Machine:
    """npm and allure, played: what they were asked, and what they leave on the disk."""

    npm: Ended = Ended()
    allure: Ended = Ended()
    page: str = PAGE
    asked: list[str] = field(default_factory=list)
    slow: float = 0.0

    def run(self, argv: Sequence[str], *, deadline: float, cwd: Path, env: Mapping[str, str]) -> Ended:
        """Play one process."""
        assert deadline > 0
        if "ci" in argv:
            self.asked.append("npm")
            time.sleep(self.slow)
            if self.npm.exit_status == 0:
                (cwd / "node_modules" / "allure").mkdir(parents=True)
                (cwd / "node_modules" / "allure" / "cli.js").touch()
            return self.npm
        self.asked.append("allure")
        if self.allure.exit_status == 0:
            (Path(env["VOXGATE_ALLURE_OUTPUT"])).mkdir()
            (Path(env["VOXGATE_ALLURE_OUTPUT"]) / "index.html").write_text(self.page)
            with Path(env["VOXGATE_ALLURE_HISTORY"]).open("a") as stream:
                stream.write('{"uuid": "new"}\n')
        return self.allure


def make(machine: Machine, folder: Path, **more: object) -> Path:
    page = folder / "page" / "index.html"
    history = folder / "history.jsonl"
    arguments = {"title": "t", "history": history, "run": machine.run, "cache": folder / "cache", **more}
    return make_page(folder, page, **arguments)  # type: ignore[arg-type]


def test_it_is_installed_once(tmp_path: Path) -> None:
    machine = Machine()
    make(machine, tmp_path)
    make(machine, tmp_path)
    assert machine.asked == ["npm", "allure", "allure"]
    assert (tmp_path / "cache" / RECIPE.key / "allurerc.mjs").is_file()


def test_two_at_once_install_once(tmp_path: Path) -> None:
    machine = Machine(slow=0.4)
    threads = [threading.Thread(target=make, args=(machine, tmp_path)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert machine.asked.count("npm") == 1


def test_an_installation_that_fails_leaves_nothing_and_says_why(tmp_path: Path) -> None:
    machine = Machine(npm=Ended(1, b"", b"npm warn old\nnpm error code ENOTFOUND\nnpm error network\n"))
    with pytest.raises(VoxgateError, match=r"npm could not install allure: exit status 1: code ENOTFOUND network$"):
        make(machine, tmp_path)
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [f"{RECIPE.key}.lock"]


def test_what_a_dead_installation_left_is_swept(tmp_path: Path) -> None:
    stale = tmp_path / "cache" / f"{RECIPE.key}.new-dead"
    stale.mkdir(parents=True)
    make(Machine(), tmp_path)
    assert not stale.exists()


def test_a_failure_keeps_the_old_page_and_history(tmp_path: Path) -> None:
    make(Machine(), tmp_path)
    before = (tmp_path / "page" / "index.html").read_bytes(), (tmp_path / "history.jsonl").read_bytes()
    with pytest.raises(VoxgateError, match="allure could not make the page: exit status 1: boom"):
        make(Machine(allure=Ended(1, b"", b"boom")), tmp_path)
    assert before == ((tmp_path / "page" / "index.html").read_bytes(), (tmp_path / "history.jsonl").read_bytes())


def test_a_page_that_loads_from_outside_is_refused(tmp_path: Path) -> None:
    page = PAGE.replace("<p>", '<img src="https://example.com/x.png"><p>')
    with pytest.raises(VoxgateError, match=r"loads from outside: <img src> https://example\.com"):
        make(Machine(page=page), tmp_path)


def test_history_forgets_what_is_broken_and_what_is_old(tmp_path: Path) -> None:
    lines = [json.dumps({"uuid": number}) for number in range(30)]
    (tmp_path / "history.jsonl").write_text("\n".join([*lines, '{"uuid": "half', "[]"]))
    make(Machine(), tmp_path)
    kept = [json.loads(line)["uuid"] for line in (tmp_path / "history.jsonl").read_text().splitlines()]
    assert kept == [*range(20, 30), "new"]


def test_a_look_back_does_not_enter_history(tmp_path: Path) -> None:
    make(Machine(), tmp_path, remember=False)
    assert not (tmp_path / "history.jsonl").exists()


def test_the_lock_names_no_registry() -> None:
    lock = json.loads((RECIPE.folder / "package-lock.json").read_bytes())
    packages = [name for name in lock["packages"] if name]
    assert len(packages) > 100
    assert all("resolved" not in lock["packages"][name] for name in packages)
    assert all("integrity" in lock["packages"][name] for name in packages)


def test_sealing_takes_out_googles_tag_and_forbids_the_rest() -> None:
    assert external_loads(PAGE) == ["<script src> https://www.googletagmanager.com/gtag/js?id=G-1"]
    page = sealed(PAGE)
    assert "gtag" not in page
    assert "<p>kept</p>" in page
    assert "Content-Security-Policy" in page
    assert external_loads(page) == []
    assert sealed(page) == page


@pytest.mark.parametrize(
    "loading",
    [
        '<link rel="stylesheet" href="//cdn.example.com/a.css">',
        '<iframe src="HTTPS://example.com"></iframe>',
        "<style>@import url('https://fonts.example.com/f.css');</style>",
        '<p style="background: url(https://example.com/x.png)">',
        '<img srcset="https://example.com/x.png 2x">',
        '<link href="data:text/css;base64,'
        + base64.b64encode(b"@font-face{src:url(https://example.com/f.woff2)}").decode()
        + '">',
    ],
)
def test_every_way_to_load_is_seen(loading: str) -> None:
    assert external_loads(f"<html><body>{loading}</body></html>") != []


def test_links_and_data_are_no_loads() -> None:
    assert external_loads('<a href="https://bitbucket.org/x">x</a><img src="data:image/png;base64,AA">') == []


@pytest.fixture(scope="module")
def page(rolled_back: RunOutcome, estate: Estate, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page as it really is: npm and Allure from the registry, by the lock."""
    folder = tmp_path_factory.mktemp("site")
    (folder / "results").mkdir()
    for judgement in rolled_back.judgements:
        write_item(folder / "results", result_of(rolled_back, judgement), Redactor())
    complete(folder / "results", rolled_back, Redactor(), estate=estate)
    history = folder / "history.jsonl"
    make_page(folder / "results", folder / "first.html", title="voxgate", history=history)
    began = time.monotonic()
    made = make_page(folder / "results", folder / "index.html", title="voxgate · lab", history=history, cache=cache_folder())
    assert time.monotonic() - began < 60
    assert len(history.read_text().splitlines()) == 2
    return made


def test_the_real_page_is_one_file_that_stands_alone(page: Path) -> None:
    html = page.read_text()
    assert external_loads(html) == []
    assert "googletagmanager" not in html
    assert 1_000_000 < len(html) < 20_000_000
    assert node_and_npm()[0].is_file()


def test_the_real_page_works_and_asks_for_nothing(page: Path, tmp_path: Path) -> None:
    """In a headless Chromium: it starts at its top, filters, opens a result and a picture; no request, no error."""
    with opened(page.as_uri(), tmp_path / "profile") as shown:
        shown.until("document.body.innerText.includes('Global Errors')")
        tabs = "[...document.querySelectorAll('[data-testid^=\"nav-tab-\"]')].filter(one => one.checkVisibility())"
        tabs = shown.read(f"{tabs}.map(one => one.innerText).join()")
        assert "Global Errors 1" in tabs
        assert "Quality" not in tabs, "a tab with nothing in it"
        said = shown.read("document.body.innerText")
        for wanted in ("voxgate · lab", "fleet-2", "rolled back", "vox-backend-2026.11.20-2"):
            assert wanted in said
        assert shown.read("document.elementFromPoint(600, 90).closest('#app') !== null")
        shown.click("Failed 3", "document.body.innerText.includes('Clear filters')")
        shown.until("!document.body.innerText.includes('after the rollback')")
        assert "all workers are up · fleet-2-voxcore@2" in shown.read("document.body.innerText")
        shown.click("capacity adds up", "document.body.innerText.includes('it follows from the worker that is down')")
        assert shown.outside == []
        assert shown.logged == []


def test_nothing_green_stands_first_and_nothing_is_new(page: Path, tmp_path: Path) -> None:
    """A ring nearly whole and green, though the run was rolled back; all of it new where there was no run before."""
    seen = "[...document.querySelectorAll('{}')].filter(one => one.checkVisibility()).length"
    with opened(page.with_name("first.html").as_uri(), tmp_path / "profile") as shown:
        shown.until("document.body.innerText.includes('Global Errors')")
        for nothing in ('[aria-label^="Success rate"]', '[data-testid="metadata-item-new"]', '[data-testid*="transition-new"]'):
            assert shown.read(f"document.querySelectorAll('{nothing}').length"), "Allure calls it otherwise"
            assert shown.read(seen.format(nothing)) == 0
