"""Console on its host: dist/ is this build, nginx runs what it is configured to, and nothing else serves or builds there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voxgate.model.entry import Entry
from voxgate.model.evidence import known
from voxgate.model.service import Role
from voxgate.plugin import invariant, say_all, say_each
from voxgate.redaction.shortening import beginning
from voxgate.survey.commands import NGINX_RELOADED, NGINX_RESTARTED, deploy_again, deploy_first, edit, end_liars, stop, why
from voxgate.survey.judged import digest_of
from voxgate.survey.serving import MOST, dist_of

if TYPE_CHECKING:
    from voxgate.model.estate import Estate, Placement
    from voxgate.model.evidence import ProcessFact
    from voxgate.model.look import Evidence

PEOPLES = ("/home/", "/root/", "/tmp/", "/var/tmp/", "/dev/")  # noqa: S108 - found there, not used
PROGRAMS = ("/usr/", "/opt/", "/bin/", "/sbin/", "/lib/", "/lib64/", "/snap/", "/nix/")
CLOCK_TICK = 0.05  # seconds: a process's start is known by the kernel's ticks


@invariant(
    per="placement",
    guards="releases",
    services=("console",),
    faults=("console-dist-edited", "console-manifest-edited", "console-old-build", "console-build-published-anew"),
    severity="blocker",
    threats=("times",),
)
def test_dist_is_this_build(placement: Placement, estate: Estate, evidence: Evidence) -> None:
    """dist/ points to the build of the release's commit, and no file of it was changed, added or lost since it was built. Its
    manifest lies beside it, and who can write the one can write the other: so neither was touched since it was published, and
    the files are those with which the release was judged good, where nothing was deployed since.
    """
    found = dist_of(placement, evidence)
    where = f"{placement.host.name}: {placement.service.folder}/dist"
    release = evidence.remote(placement.service.name).release
    wrong, again = [], f"nobody edits a build: {deploy_again(placement.service, estate, evidence)}"
    if release is None:
        wrong.append(("no release of the console ever passed the gate", deploy_first(estate)))
    elif found.target != f"builds/{release.commit}":
        wrong.append((f"points to {found.target or 'nothing'}, not to the build of {release} ({release.commit[:12]})", again))
    if found.built is None:
        wrong.append(("has no manifest of its build", again))
    now = {path: sha256 for path, (_, sha256) in found.files.items()}
    changed = sorted({path for path, _ in now.items() ^ dict(found.built).items()}) if found.built is not None else []
    wrong += [(f"{path} is not as it was built", again) for path in changed[:MOST]]
    wrong += [(f"{len(changed)} such files", again)] if len(changed) > 1 else []
    late = found.changed - found.published
    if late > 0:
        wrong.append((f"a file of the build, or its manifest, was changed {late:.1f} s after it was published", again))
    content = digest_of(placement, evidence.second.host(placement.host.name))
    judged = evidence.remote(placement.service.name).judged.get(placement.host.name, content)
    if not wrong and content != judged:
        wrong.append(("its files are not those with which the release was judged good", again))
    assert not wrong, say_each(where, wrong)


@invariant(
    per="host_name",
    services=("console",),
    faults=("console-node-runs", "console-node-renamed", "console-node-installed"),
)
def test_no_node_runs(host_name: str, estate: Estate, evidence: Evidence) -> None:
    """The console is static files. A node process is a development server, or somebody's experiment, on a live host, under
    whatever name its program lies in whatever folder; so is, where the console is served, a program that lies in somebody's
    home or in a folder for passing things.
    """
    engines = set(known(evidence.second.host(host_name).javascript))
    host = estate.host(host_name)
    is_served, allowed = Role.API in host.roles, estate.foreign_programs(host)
    said: list[str] = []
    strays: list[ProcessFact] = []
    entries: list[Entry] = []
    seen = evidence.second.host(host_name)
    for one in known(seen.processes):
        program = (one.exe or "").removesuffix(" (deleted)")
        by = f"process {one.pid} of {one.user}"
        if one.pid in engines or _is_node(one.command) or _is_node(program.rpartition("/")[2]):
            # Off the hosts that serve the console it may be for something else; there it never is.
            if not is_served and (one.unit in allowed or program in allowed):
                continue
            said.append(f"{by} is node: {beginning(' '.join(one.argv), 200)}")
            name = one.unit if one.unit.endswith(".service") and not one.container else ""
        elif is_served and program and not one.container and not program.startswith(PROGRAMS) and program not in allowed:
            said.append(f"{by} is a program of its own: {one.exe}")
            name = program if program.startswith("/") and not program.startswith(PEOPLES) else ""
        else:
            continue
        strays.append(one)
        if name and not (is_served and name == one.unit):
            about = by if name == program else said[-1]  # the entry itself has the program
            entries.append(Entry(("programs", host_name), (name,), about))
    assert not said, say_all(
        host_name,
        said,
        f"{stop(strays, seen)}; the console needs no server but nginx, and what an API host runs lies in /usr or /opt",
        estate=estate.name,
        entries=entries,
    )


def _is_node(name: str) -> bool:
    """True for a program that is Node.js by its file's name, or one of the servers built with it."""
    return name.removesuffix(" (deleted)") in {"node", "nodejs", "node.exe", "bun", "deno"}


@invariant(per="placement", services=("console",), faults=("nginx-config-broken", "nginx-not-reloaded", "nginx-called-so"))
def test_nginx_runs_its_config(placement: Placement, evidence: Evidence) -> None:
    """After a failed reload nginx goes on with the old configuration, is active, and does not come back from the next
    restart. What is on disk must be valid, and what runs must have been started from it.
    """
    where = placement.host.name
    found = known(evidence.second.host(where).nginx)
    # Once: it names all of them, and how many there are says who calls itself so.
    do = f"{end_liars(found.doubts, 'where others can change a file, chown root and chmod go-w')}; {NGINX_RESTARTED}"
    wrong = [(doubt, do) for doubt in found.doubts]
    if len(found.masters) != 1:
        wrong.append(
            (
                f"{len(found.masters)} nginx run here, not one",
                f"`systemctl status --no-pager nginx`; {NGINX_RESTARTED}",
            )
        )
    if found.status != 0:
        flaws = f" at {found.flaws}" if found.flaws else ""
        place = found.flaws.rpartition(":")[0]
        mend = f"mend it: {edit(place)}" if place.startswith("/etc/nginx/") and ".." not in place else "mend it"
        wrong.append((f"nginx -t refuses the configuration{flaws}", f"`nginx -t` says why; {mend}; then {NGINX_RELOADED}"))
    for master in found.masters:
        words = master.split()
        told = {words[at + 1] for at, word in enumerate(words[:-1]) if word == "-c"}
        if any(word.startswith(("-p", "-c")) and word != "-c" for word in words) or not told <= {found.config}:
            wrong.append((f"nginx runs another configuration than {found.config}: {master}", NGINX_RESTARTED))
    if not found.workers:
        wrong.append(("nginx has no worker", f"{why('nginx')}; {NGINX_RESTARTED}"))
    old = found.changed - min(found.workers, default=found.changed)
    if old >= CLOCK_TICK:
        what = f"nginx's workers are {old:.1f} s older than its configuration: they serve another one"
        wrong.append((what, NGINX_RELOADED))
    assert not wrong, say_each(where, wrong)
