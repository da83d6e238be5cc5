"""Settings of git: what changes nothing of a fetch and a checkout holds; what runs, fetches or changes something does not."""

from __future__ import annotations

import pytest

from tests.unit.suites.conftest import Case
from voxgate.survey.git_settings import ACCOUNTS, strange

API = "api-1"
RED = "remote-is-bitbucket[backend-api-1]"
PLAIN = (
    "core.editor", "core.pager", "core.excludesfile", "alias.st", "alias.command", "user.signingkey", "commit.gpgsign",
    "pull.rebase", "color.ui", "http.proxy", "http.https://git.example.com/.proxy", "http.sslcainfo", "safe.directory",
    "init.defaultbranch", "merge.conflictstyle", "diff.external", "rerere.enabled", "push.autosetupremote", "fetch.prune",
    "gpg.program", "help.autocorrect", "pager.log", "difftool.prompt", "branch.autosetuprebase", "transfer.fsckobjects",
    "core.longpaths",
)  # fmt: skip
OF_AN_ACCOUNT = (
    "core.sshcommand", "credential.helper", "credential.https://git.example.com.username", "include.path",
    "includeif.gitdir:/opt/.path", "filter.lfs.smudge",
)  # fmt: skip
NEVER = (
    "core.hookspath", "core.fsmonitor", "core.gitproxy", "core.worktree", "core.sparsecheckout", "core.attributesfile",
    "core.alternaterefscommand", "filter.x.smudge", "filter.lfs2.process", "url.git@evil.example:.insteadof", "remote.evil.url",
    "remote.origin.uploadpack", "remote.origin.vcs", "remote.origin.promisor", "remote.origin.pushurl", "submodule.recurse",
    "submodule.x.update", "protocol.ext.allow", "fetch.bundleuri", "transfer.bundleuri", "extensions.partialclone",
    "extensions.worktreeconfig", "gc.recentobjectshook", "includeif.onbranch:main.path", "http.sslverify",
    "http.https://x/.sslverify", "uploadpack.packobjectshook", "maintenance.x.command", "init.templatedir",
)  # fmt: skip


@pytest.mark.parametrize("name", [*PLAIN, *(ACCOUNTS + one for one in (*PLAIN, *OF_AN_ACCOUNT))])
def test_what_changes_nothing_of_a_deploy_holds(name: str) -> None:
    assert strange(("core.bare", name)) == []


@pytest.mark.parametrize("name", [*NEVER, *OF_AN_ACCOUNT, *(ACCOUNTS + one for one in NEVER)])
def test_what_runs_or_changes_something_does_not(name: str) -> None:
    assert [one.partition(" (")[0] for one in strange(("core.bare", name))] == [name.removeprefix(ACCOUNTS)]


def test_all_that_is_wrong_with_git_is_told_at_once(green: Case) -> None:
    settings = ("account user.name", "account filter.x.clean", "core.fsmonitor")
    case = green.of_service(
        API, "checkouts", "backend", settings=settings, hooks=("post-merge",), origin="git@evil.example:x.git"
    )
    verdict, found = case.judge()[RED]
    assert verdict == "violated"
    for words in ("git@evil.example:x.git", "filter.x.clean (of the account or the system)", "core.fsmonitor", "post-merge"):
        assert words in found
    assert "user.name" not in found
    assert green.of_service(API, "checkouts", "backend", settings=settings[:1]).judge() == {}
