"""The Jenkinsfiles and the Bitbucket template: structure, and the promises that a review would look for."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.pipelines import NotAPipelineError, check, commands, parse, stages_of
from voxgate.cli.contract_file import contract_file

ROOT = Path(__file__).resolve().parents[2]
GATE = ROOT / "Jenkinsfile"
WATCH = ROOT / "pipelines" / "Jenkinsfile.watch"
PYTHON = ROOT / "pipelines" / "Jenkinsfile.python"
CONSOLE = ROOT / "pipelines" / "Jenkinsfile.console"
ALL = (GATE, WATCH, PYTHON, CONSOLE)
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
each = pytest.mark.parametrize("path", ALL, ids=lambda path: path.name)


@each
def test_it_is_a_declarative_pipeline(path: Path) -> None:
    check(parse(path.read_text()))


@each
@pytest.mark.parametrize(
    ("good", "bad"),
    [
        ("stage(", "stagez("),
        ("steps {", "step {"),
        ("agent {", "agents {"),
        ("options {", "option {"),
        ("stages {", "stages {{"),
        ("post {", "posts {"),
        ("sh '", "shell '"),
        ("always {", "allways {"),
        ("timestamps()", "timestamp()"),
    ],
)
def test_a_slip_is_seen(path: Path, good: str, bad: str) -> None:
    source = path.read_text()
    if good not in source:
        assert path is CONSOLE
        return
    with pytest.raises(NotAPipelineError):
        check(parse(source.replace(good, bad, 1)))


@each
def test_nothing_is_interpolated_into_a_command(path: Path) -> None:
    source = path.read_text()
    assert commands(parse(source))  # raises for a command in double quotes, of several strings, or with a backslash
    interpolated = re.findall(r'"[^"\n]*\$[^"\n]*"', re.sub(r"//[^\n]*", "", source))
    allowed = {GATE: ['"voxgate-${params.ESTATE}"'], WATCH: ['"${params.ESTATE}"']}  # a lock, and a variable: of a choice
    assert interpolated == allowed.get(path, [])


@each
def test_everything_ends_in_time(path: Path) -> None:
    pipeline = parse(path.read_text())
    assert pipeline.one("options").has("timeout")
    for stage in stages_of(pipeline):
        assert stage.title == "Deploy" or stage.one("options").has("timeout"), stage.title
    if pipeline.has("post"):
        for node in pipeline.one("post").all():
            if node.name == "sh":
                assert any(node in (timed.children or ()) for timed in pipeline.all() if timed.name == "timeout"), node.text


@pytest.mark.parametrize("path", [GATE, WATCH], ids=lambda path: path.name)
def test_its_steps_are_targets_of_the_makefile(path: Path) -> None:
    for command in commands(parse(path.read_text())):
        program, *targets = command.split()
        assert program == "make"
        assert set(targets) <= TARGETS, command


def test_the_gate_keeps_its_promises() -> None:
    pipeline = parse(GATE.read_text())
    options = {node.name: node.text for node in pipeline.one("options").children or ()}
    assert "disableConcurrentBuilds" not in options, "a build of one estate would wait for one of another"
    assert "params.ESTATE" in options["lock"]
    inner = [node for node in pipeline.all() if node.name == "timeout" and node not in (pipeline.one("options").children or ())]
    assert minutes(options["timeout"]) > sum(minutes(node.text) for node in inner)
    assert [re.search(r"name: '(\w+)'", node.text)[1] for node in pipeline.one("parameters").children or ()] == [  # type: ignore[index]
        "ESTATE",
        "SERVICE",
        "TAG",
        "APPROVE",
    ]
    stages = {stage.title: stage for stage in stages_of(pipeline)}
    deploys = [node for node in stages["Gate"].one("steps").all() if node.name == "sshagent"]
    assert [commands(node) for node in deploys] == [["make gate"]]
    always = {node.name for node in stages["Gate"].one("post").one("always").children or ()}
    assert always == {"catchError", "junit", "publishHTML", "allure", "archiveArtifacts"}
    caught = stages["Gate"].one("post").one("always").one("catchError")
    assert commands(caught.one("timeout")) == ["make attach"], "a deploy that failed is said on Bitbucket as well"
    post = pipeline.one("post")
    unsuccessful = post.one("unsuccessful")
    assert commands(unsuccessful) == ["make recover", "make report"]
    meant = unsuccessful.one("script").one("if")
    assert [node.name for node in meant.children or ()] == ["sshagent", "junit", "publishHTML", "allure"]
    assert {node.name for node in meant.one("sshagent").children or ()} == {"catchError"}, "each is tried, and shown"
    assert [node.name for node in post.one("cleanup").children or ()] == ["archiveArtifacts"]
    estates = {path.stem for path in (ROOT / "hosts").glob("*.toml")} - {"services"}
    assert estates | {"none"} == set(estates_of(GATE))


def estates_of(path: Path) -> list[str]:
    """The choices of ESTATE; the first one is what a build has that was asked for none."""
    found = re.search(r"ESTATE', choices: \[([^]]*)", path.read_text())
    assert found
    return re.findall(r"'(\w+)'", found[1])


def test_a_build_that_was_asked_for_nothing_deploys_nothing_and_is_red() -> None:
    """As the first one of a fresh job: Jenkins has no parameters before it has read the file, and tells the shell none."""
    assert estates_of(GATE)[0] == "none"
    assert not (ROOT / "hosts" / "none.toml").exists()
    pipeline = parse(GATE.read_text())
    first = stages_of(pipeline)[0]
    assert [node.text for node in first.one("when").one("expression").children or ()] == ["params.ESTATE == 'none'"]
    assert [node.name for node in first.one("steps").children or ()] == ["error"], "what follows a stage that failed is not run"
    guards = [node.text for node in pipeline.one("post").one("unsuccessful").one("script").children or ()]
    assert guards == ["if (params.ESTATE != 'none')"]
    assert {"ESTATE"} == {node.text.split()[0] for node in parse(WATCH.read_text()).one("environment").children or ()} - {
        "VOXGATE_MONGODB_URI"
    }


@pytest.mark.parametrize("name", ["publishHTML", "allure"])
def test_the_page_and_the_tool_are_named_as_the_page_says(name: str) -> None:
    steps = [node.text for node in parse(GATE.read_text()).all() if node.name == name]
    assert len(steps) == 2
    for step in steps:
        assert ("reportFiles: 'index.html'" if name == "publishHTML" else "commandline: 'allure'") in step
    page = " ".join((ROOT / "docs/JENKINS.md").read_text().split())
    for said in (
        "HTML Publisher",
        "a tool of the name `allure`",
        "Resource Root URL",
        "default-src 'none'; img-src 'self'; style-src 'self'",
    ):
        assert said in page, said


def minutes(text: str) -> int:
    found = re.search(r"time: (\d+), unit: 'MINUTES'", text)
    assert found, text
    return int(found[1])


@pytest.mark.parametrize("path", [GATE, WATCH], ids=lambda path: path.name)
def test_every_database_of_an_estate_can_be_asked(path: Path) -> None:
    given = {node.text.partition("=")[0].strip(): node.text for node in parse(path.read_text()).one("environment").children or ()}
    for estate in (ROOT / "hosts").glob("*.toml"):
        for database in tomllib.loads(estate.read_text()).get("databases", {}).values():
            if "uri_env" in database:
                assert "credentials('" in given.get(database["uri_env"], ""), (estate.name, database["uri_env"])
                assert database["uri_env"] in (ROOT / "README.md").read_text()


def test_the_watch_deploys_nothing() -> None:
    pipeline = parse(WATCH.read_text())
    assert pipeline.one("triggers").has("cron")
    assert commands(pipeline) == ["make setup", "make watch"]


@pytest.mark.parametrize("path", [PYTHON, CONSOLE], ids=lambda path: path.name)
def test_a_service_is_deployed_from_main_only(path: Path) -> None:
    stages = {stage.title: stage for stage in stages_of(parse(path.read_text()))}
    assert list(stages) == ["Install", "Lint", "Test", "Build", "Contract", "Deploy"]
    assert [node.text for node in stages["Deploy"].one("when").children or ()] == ["beforeAgent true", "branch 'main'"]
    assert [node.name for node in stages["Deploy"].one("steps").children or ()] == ["build"]
    for title, stage in stages.items():
        assert title == "Deploy" or not any(node.name == "build" for node in stage.one("steps").all())


def test_what_is_not_reviewed_runs_on_no_agent_of_the_gate() -> None:
    for path in (GATE, WATCH):
        assert [node.text for node in parse(path.read_text()).one("agent").children or ()] == ["label 'voxgate'"]
    for path in (PYTHON, CONSOLE):
        pipeline = parse(path.read_text())
        agents = [node for node in pipeline.all() if node.name in {"agent", "node"}]
        assert [[child.text for child in agent.children or ()] for agent in agents] == [["label 'voxgate-build'"]]
        assert not {node.name for node in pipeline.all()} & {"sshagent", "withCredentials"}
        assert "credentials(" not in path.read_text()


def test_the_gate_is_a_job_in_the_folder_of_its_credentials() -> None:
    page = (ROOT / "docs/JENKINS.md").read_text()
    for path in (PYTHON, CONSOLE):
        started = [node.text for node in parse(path.read_text()).all() if node.name == "build"]
        assert len(started) == 1
        assert started[0].startswith("build job: '/voxgate/gate', wait: true")
    for said in ("`voxgate-build`", "folder `voxgate`", "`/voxgate/gate`", "never multibranch"):
        assert said in page, said


def test_bitbucket_s_trigger_is_no_variable_of_every_branch() -> None:
    steps = bitbucket()["definitions"]["steps"]
    assert [one["step"].get("deployment") for one in steps if "JENKINS_TRIGGER" in str(one)] == ["staging"]
    assert [one["step"].get("deployment") for one in steps if "JENKINS_TRIGGER" not in str(one)] == [None] * (len(steps) - 1)
    assert "restricted to main" in (ROOT / "pipelines" / "bitbucket-pipelines.yml").read_text()


SERVICES = {"vox-backend": "backend", "vox-agents": "fleet", "vox-dialler": "dialler", "vox-frontend": "console"}


@pytest.mark.parametrize("repository", SERVICES)
def test_the_lab_s_services_have_the_template_as_their_own(repository: str) -> None:
    """With the estate of the lab, and the name that each writes there once."""
    template = (CONSOLE if repository == "vox-frontend" else PYTHON).read_text()
    named = re.sub(r"\n *// The name of the service in hosts/services.toml[^\n]*", "", template)
    wanted = named.replace("env.VOXGATE_SERVICE", f"'{SERVICES[repository]}'").replace("'staging'", "'lab'")
    home = ROOT / "lab" / "services" / repository
    assert (home / "Jenkinsfile").read_text() == wanted
    assert contract_file(home).service == SERVICES[repository]


@pytest.mark.parametrize("path", [PYTHON, CONSOLE], ids=lambda path: path.name)
def test_what_is_built_is_asked_for_its_contract(path: Path) -> None:
    stages = {stage.title: stage for stage in stages_of(parse(path.read_text()))}
    assert commands(stages["Contract"].one("steps")) == ["voxgate contract --junit contract.xml"]
    assert [node.name for node in stages["Contract"].one("post").one("always").children or ()] == ["junit"]


def bitbucket() -> dict[str, Any]:
    return dict(yaml.safe_load((ROOT / "pipelines" / "bitbucket-pipelines.yml").read_text()))


def test_bitbucket_runs_what_jenkins_runs() -> None:
    """In steps of its own, where each image has what its step needs; the tool that Jenkins' agents have is installed."""
    branches = {"python": bitbucket()["pipelines"]["default"], "console": bitbucket()["pipelines"]["custom"]["console"]}
    for name, path in (("python", PYTHON), ("console", CONSOLE)):
        lines = [line for one in branches[name] for line in one["step"]["script"] if "uv tool install" not in line]
        assert [line.replace("test-results/", "") for line in lines] == commands(parse(path.read_text()))


def test_bitbucket_deploys_from_main_only() -> None:
    pipelines = bitbucket()["pipelines"]
    deploying = [
        where
        for where, steps in (("default", pipelines["default"]), *pipelines["branches"].items(), *pipelines["custom"].items())
        if any("deployment" in one["step"] for one in steps)
    ]
    assert deploying == ["main"]
    assert set(pipelines) == {"default", "branches", "custom"}
