"""The agent's tools: they read the files of `workspace/` and nothing else."""

from __future__ import annotations

import csv
import statistics
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

WORKSPACE = Path(__file__).parent / "workspace"


class ToolError(Exception):
    """A call that the model can correct: the message tells it how."""


def list_files() -> str:
    """All files of the service, one a line, with sizes."""
    files = sorted(path for path in WORKSPACE.rglob("*") if path.is_file())
    return "\n".join(f"{path.relative_to(WORKSPACE)}  {path.stat().st_size} bytes" for path in files)


def read_file(path: str) -> str:
    """The text of one file."""
    return inside(path).read_text()


def search_text(text: str) -> str:
    """Every line that holds a text, as file:line: text."""
    hits = []
    for path in sorted(WORKSPACE.rglob("*")):
        if path.is_file():
            for number, line in enumerate(path.read_text().splitlines(), start=1):
                if text.lower() in line.lower():
                    hits.append(f"{path.relative_to(WORKSPACE)}:{number}: {line.strip()}")
    return "\n".join(hits) or f"no line holds {text!r}"


def summarise_csv(path: str, column: str, by: str) -> str:
    """Mean and maximum of a numeric column for each value of another, as a markdown table."""
    groups: dict[str, list[float]] = defaultdict(list)
    with inside(path).open(newline="") as file:
        for row in csv.DictReader(file):
            if column not in row or by not in row:
                raise ToolError(f"{path} has the columns {', '.join(row)}")
            groups[row[by]].append(float(row[column]))
    lines = [f"| {by} | mean {column} | max {column} |", "|---|---:|---:|"]
    lines += [f"| {key} | {statistics.mean(values):.0f} | {max(values):.0f} |" for key, values in groups.items()]
    return "\n".join(lines)


def inside(path: str) -> Path:
    """The file at a path of the workspace; a ToolError for anything else."""
    file = (WORKSPACE / path).resolve()
    if not file.is_relative_to(WORKSPACE.resolve()) or not file.is_file():
        raise ToolError(f"there is no file {path!r}; list_files shows what there is")
    return file


TOOLS: dict[str, Callable[..., str]] = {
    function.__name__: function for function in (list_files, read_file, search_text, summarise_csv)
}


def run_tool(name: str, arguments: dict[str, Any]) -> str:
    """Runs a tool by name; a ToolError says what was wrong with the call."""
    if name not in TOOLS:
        raise ToolError(f"there is no tool {name!r}; the tools are {', '.join(TOOLS)}")
    try:
        return TOOLS[name](**arguments)
    except TypeError as problem:
        raise ToolError(str(problem)) from problem


def definition(name: str, **parameters: str) -> dict[str, Any]:
    """A tool in OpenAI's form; every parameter is a required string."""
    return {
        "type": "function",
        "function": {
            "name": name,
            "description": TOOLS[name].__doc__,
            "parameters": {
                "type": "object",
                "properties": {key: {"type": "string", "description": text} for key, text in parameters.items()},
                "required": list(parameters),
            },
        },
    }


TOOL_DEFINITIONS = [
    definition("list_files"),
    definition("read_file", path="path below the workspace"),
    definition("search_text", text="text to look for, in any case"),
    definition("summarise_csv", path="path of a CSV file", column="numeric column", by="column to group by"),
]
