"""The frame around the code: make, the set-up and the continuous integration."""

import ast
import re
import subprocess
import sys

import pytest

from tests.shape.source import ROOT
from tools import setup

TARGETS = {
    "help", "setup", "run", "test", "check", "format", "bench", "soak", "mutate", "pictures", "lock", "docs", "clean",
}  # fmt: skip


def rules() -> dict[str, list[str]]:
    """Return the recipes of the Makefile by target."""
    found: dict[str, list[str]] = {}
    target = ""
    for line in (ROOT / "Makefile").read_text("utf-8").splitlines():
        if line.startswith("\t"):
            found[target].append(line.strip())
        elif named := re.match(r"([a-z./-]+):(?!=)", line):
            target = named.group(1)
            found.setdefault(target, [])
    return found


def test_every_recipe_is_one_line():
    assert rules().keys() >= TARGETS
    assert {target: lines for target, lines in rules().items() if len(lines) > 1} == {}


def test_help_lists_every_target():
    listed = subprocess.run(
        ["make", "--no-print-directory", "help"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert {line.split()[1] for line in listed.splitlines()} == TARGETS


def test_the_continuous_integration_finds_a_browser_runs_make_test_and_nothing_else():
    lines = [line for line in (ROOT / ".ci" / "run").read_text("utf-8").splitlines() if line and line[0] != "#"]
    assert lines == [
        "set -euo pipefail",
        'cd "$(dirname "$0")/.."',
        "python3 tools/packages.py",
        "export CI=1",
        "exec make test",
    ]


def test_hooks_call_make_and_nothing_else():
    entries = re.findall(r"entry: (.*)", (ROOT / ".pre-commit-config.yaml").read_text("utf-8"))
    assert entries
    assert all(entry.startswith("make ") for entry in entries)


def test_the_setup_needs_the_standard_library_alone():
    tree = ast.parse((ROOT / "tools" / "setup.py").read_text("utf-8"))
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    names = {alias.name for node in imports if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module or "" for node in imports if isinstance(node, ast.ImportFrom)}
    assert {"subprocess", "venv"} <= names <= set(sys.stdlib_module_names)


def test_an_old_python_is_told_what_to_do(monkeypatch, capsys):
    monkeypatch.setattr(sys, "version_info", (3, 9, 2))
    assert setup.main(["run"]) == 1
    said = capsys.readouterr().err
    assert "Python 3.11 or newer" in said
    assert "3.9" in said
    assert "make PYTHON=" in said


@pytest.mark.parametrize("arguments", [[], ["all"], ["run", "dev"]])
def test_an_unknown_request_is_told_the_usage(arguments, capsys):
    assert setup.main(arguments) == 2
    assert "usage" in capsys.readouterr().err


def test_a_failed_step_stops_the_setup(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(setup, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(setup, "make_environment", lambda: None)
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".venv" / "bin" / "python").symlink_to("/bin/false")
    assert setup.main(["dev"]) == 1
    assert "report it" in capsys.readouterr().err
    assert not list(tmp_path.rglob("*-ready"))


def test_every_text_of_the_repository_is_free_of_this_machine():
    """No path of anybody's machine; what the tests need of a temporary folder is /tmp itself."""
    folders = ("src", "docs", "tests", "tools", "bench", "examples", ".ci")
    files = [*ROOT.glob("*.*"), *(path for folder in folders for path in (ROOT / folder).rglob("*"))]
    texts = {path: path.read_text("utf-8", "replace") for path in files if path.is_file() and path.suffix != ".pyc"}
    assert len(texts) > 50
    assert [str(path) for path, text in texts.items() if re.search(r"(?<![\w.])/(work|home|root|Users)/\w", text)] == []
