"""What is built holds what the source holds: law, cards and migrations travel with the code."""

import shutil
import subprocess
import sys
import zipfile

import pytest

from tests.shape.source import PACKAGE, ROOT


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Build the wheel from a copy, so that nothing is left in the tree and nothing old in the tree is taken along."""
    copy = tmp_path_factory.mktemp("source")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy)
    shutil.copytree(ROOT / "src", copy / "src", ignore=shutil.ignore_patterns("*.egg-info", "__pycache__"))
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        ".",
        "--no-deps",
        "--no-build-isolation",
        "--no-index",
        "-w",
        "out",
    ]
    done = subprocess.run(command, cwd=copy, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = (copy / "out").glob("countenance-*.whl")
    with zipfile.ZipFile(built) as archive:
        return set(archive.namelist())


@pytest.mark.timeout(180)
def test_every_file_of_the_source_is_in_the_wheel(wheel):
    files = {
        f"countenance/{path.relative_to(PACKAGE)}"
        for path in PACKAGE.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert len(files) > 60
    assert {path.rsplit(".", 1)[-1] for path in files} >= {"py", "md", "yaml"}
    assert files - wheel == set()


def test_nothing_else_is_in_the_wheel(wheel):
    tops = {name.split("/")[0] for name in wheel}
    assert "countenance" in tops
    assert {top for top in tops if not top.endswith(".dist-info")} == {"countenance"}
