"""hosts/proxies: which files of nginx and HAProxy each host must have, and what is no such folder."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest

from lab.proving import entries
from lab.proving.fault import find
from voxgate.contracts.estates import load_estate
from voxgate.errors import EstateError
from voxgate.model.kept_file import KeptFile

ROOT = Path(__file__).resolve().parents[2]
API = "api-1"


@pytest.fixture
def hosts(tmp_path: Path) -> Path:
    """A project's hosts/ with the lab's estate."""
    folder = tmp_path / "hosts"
    folder.mkdir()
    shutil.copy(ROOT / "hosts/lab.toml", folder)
    return folder


def put(hosts: Path, place: str, said: str = "x") -> None:
    path = hosts / "proxies" / place
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(said, "utf-8")


def kept(hosts: Path, host: str = API, folder: str = "/etc/nginx") -> dict[str, tuple[str, str]]:
    """Path to hash and place, of one host."""
    estate = load_estate(str(hosts / "lab.toml"))
    return {path: (one.sha256, one.place) for path, one in estate.kept_files(estate.host(host), folder).items()}


def sha256(said: str) -> str:
    return hashlib.sha256(said.encode()).hexdigest()


def test_without_the_folder_nothing_is_expected(hosts: Path) -> None:
    assert load_estate(str(hosts / "lab.toml")).proxies == {}


def test_the_narrower_folder_wins(hosts: Path) -> None:
    """Of one estate, and there of one host; each file by itself."""
    (hosts / "other.toml").touch()
    for name in ("a", "b", "c"):
        put(hosts, f"nginx/sites-enabled/{name}", f"all {name}")
    put(hosts, "lab/nginx/sites-enabled/b", "lab b")
    put(hosts, "lab/nginx/sites-enabled/c", "lab c")
    put(hosts, f"lab/{API}/nginx/sites-enabled/c", "api c")
    put(hosts, "other/nginx/sites-enabled/d", "of another estate")
    put(hosts, "lab/haproxy/haproxy.cfg")
    assert kept(hosts) == {
        "/etc/nginx/sites-enabled/a": (sha256("all a"), "hosts/proxies/nginx/sites-enabled/a"),
        "/etc/nginx/sites-enabled/b": (sha256("lab b"), "hosts/proxies/lab/nginx/sites-enabled/b"),
        "/etc/nginx/sites-enabled/c": (sha256("api c"), "hosts/proxies/lab/api-1/nginx/sites-enabled/c"),
    }
    assert list(kept(hosts, folder="/etc/haproxy")) == ["/etc/haproxy/haproxy.cfg"]
    assert kept(hosts, "fleet-1") == {}, "no API host: nothing of a proxy is expected there"


def test_a_file_is_what_it_says_byte_for_byte_and_a_link_what_it_leads_to(hosts: Path) -> None:
    put(hosts, "nginx/sites-available/x", "said\r\n")
    (hosts / "proxies/nginx/sites-enabled").mkdir()
    (hosts / "proxies/nginx/sites-enabled/x").symlink_to("../sites-available/x")
    digest = hashlib.sha256((hosts / "proxies/nginx/sites-available/x").read_bytes()).hexdigest()
    assert {sha for sha, _ in kept(hosts).values()} == {digest}


def test_papers_and_names_with_a_dot_are_no_files_of_a_proxy(hosts: Path) -> None:
    for place in ("README.md", ".git/x", "lab/README.md", "nginx/conf.d/.gitkeep", "nginx/.hidden/x"):
        put(hosts, place)
    assert kept(hosts) == {}


def test_beside_an_estate_of_another_folder_its_own_path_is_said(hosts: Path, tmp_path: Path) -> None:
    elsewhere = shutil.copytree(hosts, tmp_path / "estates")
    put(elsewhere, "nginx/nginx.conf")
    assert kept(elsewhere)["/etc/nginx/nginx.conf"][1] == str(elsewhere / "proxies/nginx/nginx.conf")


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("labb/nginx/x", "hosts/proxies/labb/: is neither an estate nor nginx nor haproxy (did you mean lab?)"),
        ("apache2/x", "hosts/proxies/apache2/: is neither an estate nor nginx nor haproxy"),
        (
            "lab/api-2/nginx/x",
            "hosts/proxies/lab/api-2/: is neither an API host of it nor nginx nor haproxy (did you mean api-1?)",
        ),
        ("lab/fleet-1/nginx/x", "hosts/proxies/lab/fleet-1/: is neither an API host of it nor nginx nor haproxy"),
    ],
)
def test_a_folder_that_is_for_nothing_is_a_mistake(hosts: Path, place: str, said: str) -> None:
    put(hosts, place)
    with pytest.raises(EstateError) as error:
        kept(hosts)
    shown = f"{error.value.line} ({error.value.hint})"
    assert shown.startswith(said.removesuffix(")")), shown


def test_what_cannot_be_hashed_is_a_mistake(hosts: Path) -> None:
    put(hosts, "nginx/x/a")
    (hosts / "proxies/nginx/y").symlink_to("x")
    with pytest.raises(EstateError, match="hosts/proxies/nginx/y: is a link to a folder"):
        kept(hosts)
    (hosts / "proxies/nginx/y").unlink()
    (hosts / "proxies/nginx/z").symlink_to("nowhere")
    with pytest.raises(EstateError, match=r"proxies/nginx/z: cannot be read: No such file or directory$"):
        kept(hosts)
    (hosts / "proxies/nginx/z").unlink()
    (hosts / "proxies/nginx/z").write_bytes(b"x" * (4 * 1024 * 1024))
    assert "/etc/nginx/z" in kept(hosts)
    (hosts / "proxies/nginx/z").write_bytes(b"x" * (4 * 1024 * 1024 + 1))
    with pytest.raises(EstateError, match="is larger than 4194304 bytes"):
        kept(hosts)


@pytest.mark.parametrize(
    ("digest", "may_be"), [("a" * 64, True), ("aaa", True), ("aab", False), ("b" * 64, False), ("", False), ("unreadable", False)]
)
def test_of_a_file_that_root_alone_may_read_a_few_digits_must_do(digest: str, *, may_be: bool) -> None:
    assert KeptFile("/etc/nginx/x", "a" * 64, "hosts/proxies/nginx/x").may_be(digest) is may_be


def test_an_estate_of_a_fault_keeps_what_the_lab_s_hosts_have() -> None:
    of_lab = entries.lab_with([find("nginx-line-changed")])
    site = of_lab.kept_files(of_lab.host(API), "/etc/nginx")["/etc/nginx/sites-enabled/vox"]
    recipe = ROOT / "lab/recipe/roles/api/etc/nginx/sites-enabled/vox"
    assert (site.sha256, site.place) == (
        hashlib.sha256(recipe.read_bytes()).hexdigest(),
        "hosts/proxies/lab/nginx/sites-enabled/vox",
    )
    assert list(of_lab.kept_files(of_lab.host(API), "/etc/haproxy")) == ["/etc/haproxy/haproxy.cfg"]
    assert entries.lab_with([]).proxies == {}
