"""Release: each service on each of its hosts is exactly the release, as the remote knows it."""

from __future__ import annotations

import re
from importlib.machinery import all_suffixes
from itertools import accumulate
from typing import TYPE_CHECKING

from voxgate.model.advice import quoted
from voxgate.model.counting import counted
from voxgate.model.entry import Entry
from voxgate.model.evidence import known
from voxgate.plugin import invariant, say, say_all, say_each
from voxgate.survey.commands import (
    OF_ROOT,
    as_owner,
    deploy_again,
    deploy_first,
    edit,
    made_owners,
    releases_of,
    remove_files,
    restart,
    unmounted,
)
from voxgate.survey.git_settings import strange

if TYPE_CHECKING:
    from collections.abc import Sequence

    from voxgate.model.estate import Estate, Placement
    from voxgate.model.evidence import HostEvidence
    from voxgate.model.look import Evidence
    from voxgate.model.release import Release

CODE = re.compile(r"git|pip.*|uvx?|npm|npx")  # what brings code, where rsync and tar may fetch data away
IMPORTED = tuple(all_suffixes())  # what Python imports
GIT_KEY = re.compile(r"[a-z][\w.:/@~+-]*\.[\w-]+", re.ASCII)
TOLD = 20  # files of one tree: where more are wrong, all of it is


def expected_release(evidence: Evidence, placement: Placement, estate: Estate) -> Release:
    """The release that must be on this host. Violated, not blind, where the gate never put one there."""
    release = evidence.remote(placement.service.name).release
    assert release is not None, say(
        f"{placement.host.name}: no release of {placement.service.name} ever passed the gate here",
        deploy_first(estate),
    )
    return release


@invariant(per="placement", guards="releases", faults=("release-head-on-a-branch-commit",), severity="blocker")
def test_head_is_the_release(placement: Placement, estate: Estate, evidence: Evidence) -> None:
    """Whoever asks what runs in production must get one true answer: the commit of the tag, as the remote says it. A tag
    on the host proves nothing, since it can be moved there.
    """
    release = expected_release(evidence, placement, estate)
    remote = evidence.remote(placement.service.name)
    found = known(evidence.second.host(placement.host.name).checkouts[placement.service.name])
    wrong, at_remote = [], remote.tags.get(release.tag) if release.tag is not None else release.commit
    if at_remote != release.commit:
        what = f"the remote's tag {release.tag} is {str(at_remote)[:12]}, not {release.commit[:12]} that was deployed"
        wrong.append(
            (
                what,
                f"a release's tag never moves: at the remote put it back on {release.commit}, and protect the tags of releases",
            )
        )
    if found.head != release.commit:
        what = f"HEAD of {placement.service.folder} is {found.head[:12]}, not {release} ({release.commit[:12]})"
        wrong.append((what, _again(placement, estate, evidence)))
    assert not wrong, say_each(placement.host.name, wrong)


@invariant(per="placement", guards="releases", faults=("release-not-on-main",), severity="blocker")
def test_release_is_on_main(placement: Placement, estate: Estate, evidence: Evidence) -> None:
    """Main is what was linted, tested and built. A commit beside it was judged by nobody."""
    release = expected_release(evidence, placement, estate)
    remote = evidence.remote(placement.service.name)
    assert release.commit in remote.on_main, say(
        f"{placement.host.name}: {release} ({release.commit[:12]}) is not an ancestor of main at {remote.url}",
        f"it was on main when it was deployed, so main was written anew: put back a main that has it, and protect it; "
        f"else deploy a release that is on main: {releases_of(estate)}",
    )


@invariant(per="placement", guards="releases", faults=("release-file-edited-in-place", "release-file-hidden-from-git"))
def test_tree_is_the_commit(placement: Placement, estate: Estate, evidence: Evidence) -> None:
    """A file that was edited on the box runs code that no review saw, and the next deploy loses it. Files are compared by
    content, mode and link target with the commit's own tree, so nothing can be hidden from git.
    """
    expected_release(evidence, placement, estate)
    wanted = evidence.remote(placement.service.name).tree
    found = known(evidence.second.host(placement.host.name).checkouts[placement.service.name]).tree
    assert wanted is not None
    lost = sorted(path for path in wanted if path not in found and wanted[path][0] != "160000")
    other = sorted(path for path in wanted if path in found and found[path] != wanted[path])
    said = [f"{placement.service.folder}/{path} differs from the commit" for path in other]
    said += [f"{placement.service.folder}/{path} is gone" for path in lost]
    assert not said, say_all(
        placement.host.name, [*said[:TOLD], f"{len(other)} changed, {len(lost)} gone"], _again(placement, estate, evidence)
    )


def _again(placement: Placement, estate: Estate, evidence: Evidence) -> str:
    """What puts a tree right."""
    return f"code reaches a host by a deploy only: {deploy_again(placement.service, estate, evidence)}"


@invariant(
    per="placement", guards="releases", faults=("release-extra-module", "release-byte-code-planted", "release-byte-code-forged")
)
def test_no_foreign_files(placement: Placement, estate: Estate, evidence: Evidence) -> None:
    """A file that is not in the commit can be imported, served or run all the same. Only what a deploy itself makes may
    stand beside the tree: .venv, .env, dist, builds, node_modules, tool caches. Nothing is mounted in it: who mounts can show
    the gate other files than the service.
    """
    expected_release(evidence, placement, estate)
    wanted = evidence.remote(placement.service.name).tree
    found = known(evidence.second.host(placement.host.name).checkouts[placement.service.name]).tree
    assert wanted is not None
    mounted = sorted(path for path, (_, digest) in found.items() if digest == "mounted")
    wrong = []
    for path in mounted[:TOLD]:
        place = f"{placement.service.folder}/{path}"
        do = f"{unmounted(place)}, and take it out of /etc/fstab: what changes lies elsewhere"
        wrong.append((f"something is mounted on {place}", do))
    foreign = sorted(set(found) - set(wanted) - set(mounted))
    do = "what nobody needs: "
    do += remove_files(placement, foreign[:TOLD])
    if placement.units and any(path.endswith(IMPORTED) for path in foreign):
        do += f", then {restart(*placement.units)}: what was imported is run until then"
    do += "; what somebody needs must be committed"
    wrong += [(f"{placement.service.folder}/{path} is not in the commit", do) for path in foreign[:TOLD]]
    wrong += [(counted(len(foreign), "such file"), do)] if foreign else []
    assert not wrong, say_each(placement.host.name, wrong)


@invariant(
    per="placement",
    guards="releases",
    faults=("release-file-of-nobody", "release-folder-open-to-a-group", "venv-file-open-to-all"),
    threats=("rights",),
)
def test_only_deploys_change_code(placement: Placement, estate: Estate, evidence: Evidence) -> None:
    """Who can write a file that runs, or is served, runs what he likes, without a trace once it is put back. Of checkout,
    environment and build, and of each folder on the way there, only root and the account that deploys can change anything: by
    user, group, mode and access list.
    """
    host, service = evidence.second.host(placement.host.name), placement.service
    loose = [*known(host.checkouts[service.name]).loose]
    if placement.units:
        loose += known(host.packages[service.name]).loose
    else:
        loose += known(host.dists[service.name]).loose
    own = [f"{service.folder}/{path}".removesuffix("/.") for path, _ in loose if not path.startswith("/")]
    above = [path for path, _ in loose if path.startswith("/")]
    # No link is followed at the end of a path; a change of rights moves a file's time, which processes are judged by.
    shut = "-prune ! -type l -exec chown -h root:root {} ';' -exec chmod go-w {} ';'"
    do = [f"`find {quoted(*above)} {shut}`"] if above else []
    do += [made_owners(placement, own)] if own else []
    do += [restart(*placement.units) if placement.units else deploy_again(service, estate, evidence)] if own else []
    said = [f"{path if path.startswith('/') else f'{service.folder}/{path}'} {who}" for path, who in loose]
    assert not said, say_all(placement.host.name, said, "; ".join(do))


@invariant(
    per="placement",
    guards="releases",
    faults=("release-origin-changed", "release-origin-rewritten", "release-second-remote", "release-hook"),
)
def test_remote_is_bitbucket(placement: Placement, estate: Estate, evidence: Evidence) -> None:
    """Code moves only one way. An origin that points elsewhere, also by a rewriting rule, would let the next deploy fetch
    from somebody else.
    """
    wanted = estate.repository_url(placement.service)
    checkout = known(evidence.second.host(placement.host.name).checkouts[placement.service.name])
    found, do = [], []
    if checkout.origin != wanted:
        found.append(f"origin resolves to {checkout.origin}, not {wanted}")
        at_home = as_owner(placement, "git", "-C", placement.service.folder, "remote", "set-url", "origin", wanted)
        do.append(f"{at_home}; if it stays: {_settings_of_git(placement, '--get-regexp', 'insteadof')}")
    if odd := strange(checkout.settings):
        found.append(f"{', '.join(odd)} is set, which runs or fetches something, or changes what is checked out")
        do += [_unset(placement, name) for name in odd[:TOLD]]
    if checkout.hooks:
        found.append(f"hooks run: {', '.join(checkout.hooks)}")
        hooks = (f"{placement.service.folder}/.git/hooks/{name}" for name in checkout.hooks)
        do.append(as_owner(placement, "rm", "--", *hooks))
    assert not found, say_all(f"{placement.host.name}: git in {placement.service.folder}", found, "; ".join(do))


@invariant(
    per="host_name",
    guards="releases",
    faults=(
        "release-second-checkout",
        "release-clone-at-the-root",
        "release-cron-pulls",
        "release-cron-at-home",
        "release-timer-draws-in",
        "timer-restarts-a-worker",
    ),
    threats=("starts",),
)
def test_one_copy_only(host_name: str, estate: Estate, evidence: Evidence) -> None:
    """With two copies on a host nobody knows which one runs, and a job that pulls or installs moves code past the gate. No
    other checkout of any of the services, by origin, first commit, lock or project name; and nothing that starts by itself
    runs git, rsync, pip, uv or npm, touches a service's folder, or has systemctl do something to its units, also not by a script,
    but for jobs that the estate names.
    """
    host = evidence.second.host(host_name)
    names = {service.repository for service in estate.services}
    said = [
        f"{one.path} is another copy ({one.kind}) of {', '.join([*one.same, *one.names])}"
        for one in known(host.copies).found
        if one.same or names & set(one.names)
    ]
    said += [
        f"not even root can look into {one.path}: a copy could lie there"
        for one in known(host.copies).found
        if one.kind == "unreadable"
    ]
    do = f"{_no_copies(host, names)}: a service stands in its one folder, where the gate deploys it"
    wrong = [(what, do) for what in said]
    folders = {service.folder for service in estate.services}
    alone = "code comes to a host by the gate only"
    entries: list[Entry] = []
    for job in known(host.jobs):
        # A unit of the system's has no blank in its name; a path may have any words in it.
        called = [job.where] if job.where.startswith("/") else job.where.split(" starts ")
        allowed = estate.may_run(estate.host(host_name), called)
        # Whatever an estate says: who runs one of these at a service's folder deploys, and nobody judges it.
        deploys = bool(folders & set(job.runs)) and any(CODE.fullmatch(one) for one in job.runs)
        if deploys or not allowed.issuperset(job.runs):
            what = f"{job.where} ({job.user}) runs or touches {', '.join(job.runs)} by itself"
            wrong.append((what, f"{_not_wanted(called, job.user)}: {alone}"))
            if not deploys:
                entries.append(Entry(("jobs", host_name), (f"{called[-1]}: {', '.join(job.runs)}",), f"as {job.user}"))
    assert not wrong, say_each(host_name, wrong, estate=estate.name, entries=entries)


def _settings_of_git(placement: Placement, *words: str) -> str:
    """What git says of its settings, and where they stand. Into a pipe: else it starts the pager that stands among them, which
    could type at root's terminal.
    """
    asked = as_owner(placement, "git", "-C", placement.service.folder, "config", "--show-origin", *words)
    return f"`{asked.strip('`')} | cat -v`"


def _unset(placement: Placement, name: str) -> str:
    """What takes a setting out of git: of the checkout, or of the account, or of the system."""
    key, _, elsewhere = name.partition(" ")
    if not GIT_KEY.fullmatch(key):
        return f"{_settings_of_git(placement, '--list')} says in which file that is set: take it out there"
    if not elsewhere:
        return as_owner(placement, "git", "-C", placement.service.folder, "config", "--unset-all", key)
    of_account = as_owner(placement, "git", "config", "--global", "--unset-all", key).strip("`")
    return f"`{of_account} || git config --system --unset-all {quoted(key)}`"


def _no_copies(host: HostEvidence, names: set[str]) -> str:
    """What takes the other copies away: each by the account in whose home it lies, as root would follow what that account put on
    the way there; by root where only root can put anything.
    """
    do: list[str] = []
    gone: set[str] = set()
    for one in sorted(known(host.copies).found, key=lambda one: one.path):
        if one.kind == "unreadable":
            do.append(unmounted(one.path))
        elif (one.same or names & set(one.names)) and gone.isdisjoint(accumulate(one.path.split("/"), "{}/{}".format)):
            gone.add(one.path)
            home = re.fullmatch(r"/home/([a-z_][a-z0-9_-]*)/.+", one.path)
            if home:
                do.append(f"`sudo -u {home[1]} rm -rf -- {quoted(one.path)}`")
            elif one.path.rpartition("/")[0] in OF_ROOT:
                do.append(f"`rm -rf -- {quoted(one.path)}`")
            else:
                do.append(f"`namei -l {quoted(one.path)}` says whose it is: as that account, rm -rf")
    return f"what nobody needs: {'; '.join(do[:TOLD])}"


def _not_wanted(called: Sequence[str], user: str) -> str:
    """What to do about a job that nobody needs, by who starts it."""
    where = called[0]
    if not where.startswith("/"):
        started = f"$(systemctl show --value -p TriggeredBy {quoted(*called)})"
        by = "" if where.endswith((".timer", ".path")) else f" {started}"
        return f"what nobody needs: `systemctl disable --now {quoted(where if not by else called[-1])}{by}`"
    if table := re.fullmatch(r"/var/spool/cron/(?:crontabs/|tabs/)?([a-z_][a-z0-9_-]*)", where):
        return f"take out what nobody needs: `crontab -u {table[1]} -e`"
    if where.startswith(("/etc/", "/usr/", "/run/systemd/")):
        return f"take out what nobody needs: {edit(where)}"
    return f"what nobody needs: `sudo -u {quoted(user)} rm -- {quoted(where)}`"
