"""Declarative pipelines, read: a small parser of what Jenkins reads, and the rules of its structure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

SECTIONS = {"agent", "parameters", "options", "triggers", "environment", "tools", "stages", "post"}
STAGE = {"agent", "options", "environment", "when", "steps", "post", "stages", "parallel", "matrix", "input"}
CONDITIONS = {"always", "changed", "fixed", "regression", "aborted", "failure", "success", "unstable", "unsuccessful", "cleanup"}
STEPS = {
    "sh",
    "sshagent",
    "timeout",
    "junit",
    "allure",
    "archiveArtifacts",
    "build",
    "echo",
    "withCredentials",
    "retry",
    "catchError",
    "error",
    "publishHTML",
    "script",
}
OPTIONS = {"disableConcurrentBuilds", "lock", "timeout", "buildDiscarder", "skipStagesAfterUnstable", "timestamps"}
WHEN = {"branch", "beforeAgent", "beforeInput", "expression", "not", "anyOf", "allOf"}

_TOKEN = re.compile(
    r"(?P<comment>//[^\n]*|/\*(?s:.*?)\*/)"
    r"|(?P<string>'''(?s:.*?)'''|\"\"\"(?s:.*?)\"\"\"|'(?:\\.|[^'\\\n])*'|\"(?:\\.|[^\"\\\n])*\")"
    r"|(?P<open>\{)|(?P<close>\})|(?P<end>[\n;])|(?P<other>[^\n;{}'\"/]+|/)"
)


class NotAPipelineError(ValueError):
    """What Jenkins would refuse, in one line."""


@dataclass(frozen=True)
class Node:
    """One statement: its text without comments, and its block if it has one."""

    text: str
    children: tuple[Node, ...] | None = None

    @property
    def name(self) -> str:
        """The word that it begins with."""
        found = re.match(r"\w+", self.text)
        return found[0] if found else ""

    @property
    def command(self) -> str | None:
        """The command of a ``sh`` step if it is one plain literal, None if it is anything else."""
        found = re.fullmatch(r"sh\s*\(?\s*(?:script\s*:\s*)?'([^'\\]+)'\s*\)?", self.text)
        return found[1] if found else None

    @property
    def title(self) -> str:
        """The name in ``stage('..')``."""
        found = re.search(r"\(\s*'([^']+)'\s*\)", self.text)
        return found[1] if found else ""

    def all(self) -> Iterator[Node]:
        """This one and all below it, in order."""
        yield self
        for child in self.children or ():
            yield from child.all()

    def one(self, name: str) -> Node:
        """The one child of that name. Raises NotAPipelineError."""
        found = [child for child in self.children or () if child.name == name]
        if len(found) != 1:
            raise NotAPipelineError(f"{self.text or 'the file'}: {len(found)} times {name}, not once")
        return found[0]

    def has(self, name: str) -> bool:
        """True if there is a child of that name."""
        return any(child.name == name for child in self.children or ())


def parse(source: str) -> Node:
    """The ``pipeline`` of a file. Raises NotAPipelineError for what does not nest."""
    stack: list[tuple[str, list[Node]]] = [("", [])]
    text, position = "", 0
    while position < len(source):
        found = _TOKEN.match(source, position)
        if found is None:
            raise NotAPipelineError(f"a string that does not end: {source[position : position + 40]!r}")
        position = found.end()
        match found.lastgroup:
            case "comment":
                pass
            case "open":
                stack.append((text.strip(), []))
                text = ""
            case "close":
                _end(stack, text)
                if len(stack) == 1:
                    raise NotAPipelineError("one } too many")
                head, children = stack.pop()
                stack[-1][1].append(Node(head, tuple(children)))
                text = ""
            case "end" if text.count("(") + text.count("[") == text.count(")") + text.count("]"):
                _end(stack, text)
                text = ""
            case _:
                text += found[0]
    _end(stack, text)
    if len(stack) > 1:
        raise NotAPipelineError(f"no }} for {stack[-1][0]}")
    return Node("", tuple(stack[0][1])).one("pipeline")


def _end(stack: list[tuple[str, list[Node]]], text: str) -> None:
    if text.strip():
        stack[-1][1].append(Node(text.strip()))


def check(pipeline: Node) -> None:
    """Pass if Jenkins would read it as declarative: known sections in known places. Raises NotAPipelineError."""
    _only(pipeline, SECTIONS)
    pipeline.one("agent")
    for name, allowed in (("options", OPTIONS), ("post", CONDITIONS)):
        if pipeline.has(name):
            _only(pipeline.one(name), allowed)
    stages = stages_of(pipeline)
    if not stages or len({stage.title for stage in stages}) != len(stages):
        raise NotAPipelineError("stages need a name each")
    for stage in stages:
        _only(stage, STAGE)
        _only(stage.one("steps"), STEPS)
        for name, allowed in (("options", OPTIONS), ("post", CONDITIONS), ("when", WHEN)):
            if stage.has(name):
                _only(stage.one(name), allowed)
    for node in pipeline.all():
        if node.name in {*CONDITIONS, "sshagent", "timeout", "catchError"} and node.children is not None:
            _only(node, STEPS)


def stages_of(pipeline: Node) -> tuple[Node, ...]:
    """The stages in order."""
    stages = pipeline.one("stages")
    _only(stages, {"stage"})
    return stages.children or ()


def commands(node: Node) -> list[str]:
    """Every shell command below a node, in order. Raises NotAPipelineError for one that is no plain literal."""
    found = []
    for step in node.all():
        if step.name == "sh":
            if step.command is None:
                raise NotAPipelineError(f"not a plain command: {step.text}")
            found.append(step.command)
    return found


def _only(node: Node, allowed: set[str]) -> None:
    for child in node.children or ():
        if child.name not in allowed:
            raise NotAPipelineError(f"{node.text}: {child.text.splitlines()[0]} does not belong here")
