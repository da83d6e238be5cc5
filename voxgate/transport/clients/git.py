"""The gate's own view of a service's repository: a bare mirror, asked of the remote itself and never of a host."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import stat
import tempfile
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from voxgate.errors import CommandUnknown, ContractError, Refused, Unreachable, VoxgateError
from voxgate.model.release import Tag, is_commit
from voxgate.transport import local
from voxgate.transport.clients.git_asking import ASKING, LIMITED, environment_of, last_words, protocols, unreachable
from voxgate.transport.deadline import Deadline
from voxgate.transport.surroundings import environment, own_folder

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from voxgate.model.estate import Estate
    from voxgate.model.service import Service

_REFSPECS = ("+refs/heads/main:refs/heads/main", "+refs/tags/*:refs/tags/*")
_LOCAL = 30.0  # seconds for a command that only reads the mirror
_LOCK_PAUSE = 0.05
_PACKS = 50  # of a mirror; more are made one
_AUTHOR = {"NAME": "voxgate", "EMAIL": "voxgate@localhost"}
_CONFIG = b"[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = true\n"
_ENTRIES = frozenset({"HEAD", "config", "objects", "packed-refs", "refs"})
_PASSING = frozenset({".lock", ".new"})  # files of a git at work, or of one that was killed
_POINTER, _POINTER_AT_MOST = b"version https://git-lfs.github.com/spec/v1\n", 1024  # bytes, by the specification of Git LFS
_PLAIN = frozenset(range(0x20, 0x7F)) - frozenset(b"\\'")  # bytes that stand for themselves in bash's $'...'
_CONVERTING = ("text", "eol", "ident", "working-tree-encoding")  # gitattributes(5): what a checkout writes otherwise
_MALFORMED = re.compile(r"object [0-9a-f]{40}: |fsck")
# The mirror is read by its own objects alone: no configuration, hook, replacement or remote has a word in it.
_READING = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_ALLOW_PROTOCOL": "none",
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "C",
}


@dataclass(frozen=True, slots=True)
class Standing:
    """Some commits as main has them; ``newest`` and ``line`` as ``RemoteView`` says."""

    on_main: frozenset[str]
    newest: frozenset[str]
    line: frozenset[str]


@dataclass(frozen=True, slots=True)
class Mirror:
    """A bare copy of one remote: its main and its tags, exactly as the last ``fetch`` found them.

    ``environment`` is what git needs to reach the remote as the estate says. Reading methods need no remote. All raise
    CommandUnknown where git itself does not come to an end.
    """

    url: str
    path: Path
    repository: str
    environment: Mapping[str, str]

    @classmethod
    def of(cls, estate: Estate, service: Service, cache: Path) -> Mirror:
        """The mirror of a service's repository, in ``cache/mirrors``. Touches nothing."""
        url = estate.repository_url(service)
        name = f"{service.repository}-{hashlib.sha256(url.encode()).hexdigest()[:12]}.git"
        return cls(url, cache / "mirrors" / name, service.repository, environment_of(estate))

    def fetch(self, deadline: float = 60.0) -> None:
        """Bring main and all tags to the remote's state: moved tags move, deleted ones go. ``deadline`` in seconds, in
        all.

        Raises Unreachable if the remote does not answer or lets us not in, ContractError if it has no main.
        """
        until = Deadline.after(deadline)
        with self._alone(until):
            if self._strange():
                self._make()
            for left_over in (*self.path.glob("*.lock"), *(self.path / "refs").rglob("*.lock")):
                left_over.unlink(missing_ok=True)  # of a git that was killed: who works here holds our lock
            try:
                completed = self._remote(
                    until, "fetch", "--quiet", "--prune", "--force", "--no-write-fetch-head", "--", self.url, *_REFSPECS
                )
            finally:
                self._tidy()
        if completed.exit_status == 0:
            return
        why = last_words(completed.stderr)
        if "couldn't find remote ref" in why:
            raise ContractError("the repository has no branch main", where=self.url)
        if _MALFORMED.search(why):
            hint = "git fsck in the remote's repository names it"
            raise ContractError("the remote sent what is no sound object of git", where=self.url, why=why, hint=hint)
        raise unreachable(self.url, why, self.environment)

    def _tidy(self) -> None:
        """Nothing stays of a git that was killed, or that met something malformed: each leaves all that had come by then. And
        what the remote has no more does not stay for ever. Who comes here holds our lock.
        """
        packs = self.path / "objects" / "pack"
        for left_over in (*packs.glob("tmp_*"), *packs.glob(".tmp-*"), *(self.path / "objects").glob("*/tmp_obj_*")):
            left_over.unlink(missing_ok=True)
        if len([*packs.glob("*.pack")]) > _PACKS:
            with suppress(VoxgateError):  # it is as good as before, and tried again next time
                self._git("repack", "-adqn")

    def _make(self) -> None:
        """An empty mirror in the place of whatever was there: with no template, so that it has no hook."""
        fresh = Path(tempfile.mkdtemp(prefix=f"{self.path.name}.new-", dir=self.path.parent))
        try:
            where = ["--object-format=sha1", "--initial-branch=main", "--template=", "--", str(fresh)]
            self._git("init", "--quiet", "--bare", *where, inside=False)
            (fresh / "config").write_bytes(_CONFIG)
            for folder in (fresh / "branches", fresh / "hooks", fresh / "info"):
                shutil.rmtree(folder, ignore_errors=True)
            if self.path.is_symlink() or not self.path.is_dir():
                self.path.unlink(missing_ok=True)
            elif self.path.exists():
                shutil.rmtree(self.path)
            fresh.rename(self.path)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)

    def _strange(self) -> str:
        """What about the mirror is not as voxgate made it, empty for nothing: somebody else's files, another configuration, a
        hook, objects that stand elsewhere.
        """
        if not self.path.is_dir():
            return "is not there"
        if self.path.parent.stat().st_mode & 0o022:
            return f"others may write in {self.path.parent}"
        inside = [path for path in self.path.iterdir() if path.suffix not in _PASSING]
        for path in (self.path.parent, self.path, *inside, *(self.path / "objects" / "info").glob("*")):
            found = path.lstat()
            if found.st_uid != os.geteuid() or stat.S_ISLNK(found.st_mode):
                return f"{path.name} is a link, or another account's"
            if path in inside and path.name not in _ENTRIES:
                return f"{path.name} is none of it"
            if path.name in {"alternates", "http-alternates"}:
                return "its objects are elsewhere"
        if (self.path / "config").read_bytes() != _CONFIG:
            return "its config is another"
        return ""

    def main(self) -> str:
        """The commit of the remote's main, as of the last fetch. Raises ContractError if there is none."""
        return self._commit("refs/heads/main")

    def release_tags(self) -> dict[str, str]:
        """Each annotated tag of this repository's release form, and its commit; oldest release first."""
        form = "%(objecttype) %(*objecttype) %(*objectname) %(refname:lstrip=2)"
        out = self._git("for-each-ref", f"--format={form}", "refs/tags")
        found: list[tuple[Tag, str]] = []
        for line in out.decode("utf-8", "replace").splitlines():
            words = line.split(" ", 3)
            tag = Tag.parse(words[3]) if len(words) == 4 else None  # noqa: PLR2004 - the four fields asked for
            if tag is not None and words[:2] == ["tag", "commit"] and tag.repository == self.repository:
                found.append((tag, words[2]))
        return {str(tag): commit for tag, commit in sorted(found)}

    def is_ancestor(self, commit: str, of: str) -> bool:
        """True if ``commit`` is ``of`` or one of its ancestors. Raises ContractError if either is no commit of the
        mirror.
        """
        completed = self._run("merge-base", "--is-ancestor", _checked(commit), _checked(of))
        if completed.exit_status in (0, 1):
            return completed.exit_status == 0
        raise ContractError(
            f"{commit[:12]} or {of[:12]} is no commit of the repository",
            where=self.url,
            why=last_words(completed.stderr),
        )

    def on_main(self, commits: Iterable[str]) -> frozenset[str]:
        """Those of ``commits`` that are main or ancestors of main. One that the mirror does not have is not on main."""
        wanted = {commit for commit in commits if is_commit(commit)}
        history = self._git("rev-list", "refs/heads/main").decode("ascii").split() if wanted else []
        return frozenset(wanted.intersection(history))

    def standing(self, commits: Iterable[str]) -> Standing:
        """Where ``commits`` stand on main: one that the mirror does not have is not there."""
        rows = [
            line.split()
            for line in self._git("rev-list", "--topo-order", "--parents", "refs/heads/main").decode("ascii").splitlines()
        ]
        wanted = set(commits).intersection(row[0] for row in rows)
        passed, line, head = set[str](), set[str](), rows[0][0] if rows else ""
        for commit, *parents in rows:  # each before its parents
            if commit in passed or commit in wanted:
                passed.update(parents)
            if commit == head:
                line.add(commit)
                head = parents[0] if parents else ""
        return Standing(frozenset(wanted), frozenset(wanted - passed), frozenset(wanted & line))

    def tree(self, commit: str) -> dict[str, tuple[str, str]]:
        """Each path of a commit, to (mode, blob id). Raises ContractError if the mirror has no such commit, and where a path is
        not UTF-8: nobody else could write or read it down.
        """
        files: dict[str, tuple[str, str]] = {}
        for entry in self._git("ls-tree", "-rz", _checked(commit)).split(b"\0"):
            if entry:
                about, _, path = entry.partition(b"\t")
                mode, _, blob = about.decode("ascii").split(" ")
                files[self._text(path)] = (mode, blob)
        return files

    def has(self, commit: str) -> bool:
        """True if the mirror has the commit; not where it is no mirror (yet)."""
        try:
            return self._run("cat-file", "-e", f"{_checked(commit)}^{{commit}}").exit_status == 0
        except ContractError:
            return False

    def weight(self, commit: str) -> tuple[int, int]:
        """How many files a commit has, and how many bytes they are, checked out. Raises as ``tree``."""
        rows = self._git("ls-tree", "-rlz", _checked(commit)).split(b"\0")[:-1]
        sizes = [row.partition(b"\t")[0].split()[3] for row in rows]
        return len(sizes), sum(int(size) for size in sizes if size.isdigit())

    def lfs_pointers(self, commit: str) -> list[str]:
        """Paths of a commit that hold a pointer of Git LFS in the place of their content. Raises as ``tree``."""
        small: dict[bytes, bytes] = {}
        for entry in self._git("ls-tree", "-rlz", _checked(commit)).split(b"\0"):
            about, _, path = entry.partition(b"\t")
            words = about.split()
            if words[:1] in ([b"100644"], [b"100755"]) and int(words[3]) < _POINTER_AT_MOST:
                small.setdefault(words[2], path)
        said, at = self._git("cat-file", "--batch", stdin=b"".join(blob + b"\n" for blob in small)), 0
        found: list[str] = []
        while at < len(said):  # a commit has as many of them as it likes: what is left is not copied for each
            end = said.index(b"\n", at)
            blob, _, size = said[at:end].split(b" ")
            if said.startswith(_POINTER, end + 1):
                found.append(self._text(small[blob]))
            at = end + 1 + int(size) + 1
        return sorted(found)

    def converted(self, commit: str) -> dict[str, str]:
        """Paths of a commit that git writes otherwise than they are in it, by what ``.gitattributes`` says: to that attribute.
        Filters are not among them: the host's and the account's drivers have no say in a checkout. Raises as ``tree``.
        """
        paths = self.tree(commit)
        if not any(path.rpartition("/")[2] == ".gitattributes" for path in paths):
            return {}
        with tempfile.TemporaryDirectory(prefix="voxgate-") as folder:
            index = {"GIT_INDEX_FILE": str(Path(folder, "index"))}  # check-attr reads an index, or a working tree
            self._git("read-tree", _checked(commit), more=index)
            asked = "".join(f"{path}\0" for path, (mode, _) in paths.items() if mode.startswith("100")).encode()
            words = self._git("check-attr", "--cached", "-z", "--stdin", *_CONVERTING, stdin=asked, more=index).split(b"\0")
        said: dict[str, dict[str, str]] = {}
        for path, name, value in zip(words[0::3], words[1::3], words[2::3], strict=False):
            said.setdefault(self._text(path), {})[name.decode()] = value.decode("utf-8", "replace")
        return {path: found for path, attributes in said.items() if (found := _converting(attributes))}

    def _text(self, path: bytes) -> str:
        """A path of the repository. Raises ContractError."""
        try:
            return path.decode("utf-8")
        except UnicodeDecodeError:
            shown = "".join(chr(byte) if byte in _PLAIN else f"\\x{byte:02x}" for byte in path)
            hint = f"give it another one, in bash: git mv $'{shown}' NAME"
            raise ContractError("the name of a file is not UTF-8", where=self.url, why=f"$'{shown}'", hint=hint) from None

    def read(self, commit: str, path: str) -> bytes:
        """One file of a commit. Raises ContractError if there is none."""
        return self._git("cat-file", "blob", f"{_checked(commit)}:{path}")

    def said(self, *arguments: str) -> bytes:
        """What a git says that only reads the mirror: see ``git_history``. Raises ContractError."""
        return self._git(*arguments)

    def push_tag(self, tag: str, commit: str, message: str, deadline: float = 60.0) -> None:
        """Create an annotated release tag on the remote, only if it is not there yet: two gates cannot both win.

        Raises Refused if the form is wrong, or the remote has the tag or does not take it; Unreachable if it does not
        answer. After any error the mirror has no such tag of ours: it is written under a name of its own first.
        """
        parsed = Tag.parse(tag)
        if parsed is None or parsed.repository != self.repository or not is_commit(commit):
            raise Refused(f"{tag!r} at {commit!r} is no release tag", where=self.url)
        until = Deadline.after(deadline)
        with self._alone(until):
            made = self._make_tag(tag, commit, message)
            # An empty expectation means: this ref must not exist on the remote.
            lease = f"--force-with-lease=refs/tags/{tag}:"
            completed = self._remote(until, "push", "--porcelain", lease, "--", self.url, f"{made}:refs/tags/{tag}")
            if completed.exit_status == 0:
                self._git("update-ref", f"refs/tags/{tag}", made)
                return
        said = completed.stdout.decode("utf-8", "replace").splitlines()
        refusal = next((line for line in said if line.startswith("!")), "")
        if refusal:
            taken = "stale info" in refusal or "already exists" in refusal
            why = "it is there already" if taken else refusal.split("\t")[-1]
            raise Refused(
                f"the remote did not take the tag {tag}",
                where=self.url,
                why=why,
                hint="fetch, and take the next number",
            )
        raise unreachable(self.url, last_words(completed.stderr), self.environment)

    def _make_tag(self, tag: str, commit: str, message: str) -> str:
        """Write a tag object that no ref names yet; its id."""
        stamp = f"{_AUTHOR['NAME']} <{_AUTHOR['EMAIL']}> {int(time.time())} +0000"
        text = f"object {commit}\ntype commit\ntag {tag}\ntagger {stamp}\n\n{message.strip()}\n"
        return self._git("mktag", stdin=text.encode()).decode("ascii").strip()

    def _commit(self, ref: str) -> str:
        completed = self._run("rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}")
        commit = completed.stdout.decode("ascii", "replace").strip()
        if completed.exit_status == 0 and is_commit(commit):
            return commit
        raise ContractError(f"the mirror has no {ref}", where=self.url, hint="fetch it first")

    def _git(self, *arguments: str, stdin: bytes = b"", inside: bool = True, more: Mapping[str, str] | None = None) -> bytes:
        completed = self._run(*arguments, stdin=stdin, inside=inside, more=more)
        if completed.exit_status != 0:
            raise ContractError(f"git {arguments[0]} failed", where=self.url, why=last_words(completed.stderr))
        return completed.stdout

    def _run(
        self, *arguments: str, stdin: bytes = b"", inside: bool = True, more: Mapping[str, str] | None = None
    ) -> local.LocalCompleted:
        where = []
        if inside:
            where = [f"--git-dir={self.path}"]
            if strange := self._strange():
                raise ContractError("the mirror is not as it was made", where=str(self.path), why=strange, hint="fetch it first")
        env = {**environment(), **_READING, **(more or {})}
        return local.run(["git", *where, *arguments], deadline=_LOCAL, env=env, stdin=stdin)

    def _remote(self, until: Deadline, *arguments: str) -> local.LocalCompleted:
        settings = [word for setting in ASKING for word in ("-c", setting)]
        try:
            return local.run(
                ["sh", "-c", f'{LIMITED}\nexec "$@"', "sh", "git", *settings, f"--git-dir={self.path}", *arguments],
                deadline=max(until.remaining, 0.1),
                env={**environment(network=True, ssh=True), **self.environment, "GIT_ALLOW_PROTOCOL": protocols(self.url)},
            )
        except CommandUnknown as error:
            raise unreachable(self.url, f"no answer within {until}", self.environment) from error

    @contextmanager
    def _alone(self, until: Deadline) -> Iterator[None]:
        """Hold the mirror's lock, so that two gates do not write it at once; it falls with the process that holds it."""
        own_folder(self.path.parent, {})
        with self.path.with_suffix(".lock").open("ab") as file:
            while True:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if until.passed:
                        raise Unreachable(f"another gate held the mirror for {until}", where=str(self.path)) from None
                    time.sleep(_LOCK_PAUSE)
            yield


def _checked(commit: str) -> str:
    """``commit`` if it is a full commit id: nothing else from outside becomes an argument of git."""
    if is_commit(commit):
        return commit
    raise ContractError(f"{commit!r} is no commit id")


def _converting(attributes: Mapping[str, str]) -> str:
    """The attribute by which a checkout writes other bytes than the commit has, empty for none."""
    if attributes.get("working-tree-encoding", "unspecified") not in {"unspecified", "unset", "UTF-8"}:
        return f"working-tree-encoding={attributes['working-tree-encoding']}"
    if attributes.get("ident") == "set":
        return "ident"
    return "eol=crlf" if attributes.get("eol") == "crlf" and attributes.get("text") != "unset" else ""
