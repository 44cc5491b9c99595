"""What `make check` runs, one test each, so that `make test` alone finds what it finds."""

import subprocess
import sys
from pathlib import Path

import pytest

BIN = Path(sys.executable).parent


@pytest.mark.parametrize(
    "command, seen",
    [
        (["ruff", "format", "--check"], "already formatted"),
        (["ruff", "check"], "All checks passed"),
        (["mypy"], "no issues found"),
        (["lint-imports", "--no-cache"], "0 broken"),
    ],
    ids=["format", "lint", "types", "imports"],
)
@pytest.mark.timeout(300)
def test_check(root, command, seen):
    done = subprocess.run([BIN / command[0], *command[1:]], cwd=root, capture_output=True, text=True, check=False)
    report = done.stdout + done.stderr
    assert done.returncode == 0, report[-6000:]
    assert seen in report
