"""docs/dependencies.md has one row for each direct dependency, and few at run time (docs/adr/0006)."""

import re
import tomllib
from collections import Counter

import pytest

from tests.docs.pages import ROOT

CORE_MAX = 19


@pytest.fixture(scope="module")
def project():
    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


@pytest.fixture(scope="module")
def rows():
    """Return the first cell of each row of the register, up to the section on the locks."""
    text = (ROOT / "docs" / "dependencies.md").read_text("utf-8").split("## The locks")[0]
    return re.findall(r"^\| `([a-z0-9-]+)` \|", text, re.MULTILINE)


def name(requirement: str) -> str:
    found = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert found, requirement
    return re.sub(r"[-_.]+", "-", found.group()).lower()


def test_few_at_run_time(project):
    assert 0 < len(project["project"]["dependencies"]) <= CORE_MAX


def test_one_row_for_each(project, rows):
    declared = [*project["project"]["dependencies"]]
    for group in (*project["project"]["optional-dependencies"].values(), *project["dependency-groups"].values()):
        declared += group
    assert len(declared) > CORE_MAX
    assert Counter(rows) == Counter(name(each) for each in declared)


@pytest.mark.parametrize("lock", ["requirements-build.lock", "requirements.lock", "requirements-dev.lock"])
def test_every_locked_package_has_hashes_and_no_index(lock):
    text = (ROOT / lock).read_text("utf-8")
    entries = re.split(r"\n(?=[a-z0-9])", "\n" + text.split("\n", 1)[1])[1:]
    assert entries
    for entry in entries:
        assert re.match(r"[a-z0-9.-]+==[^\s;]+( ; [^\\]+)? \\\n(\s+--hash=sha256:[0-9a-f]{64}( \\)?\n?)+$", entry), (
            entry[:80]
        )
    assert "://" not in text
    assert "--index" not in text
    assert "find-links" not in text


def test_the_locks_hold_what_is_declared(project):
    locked = set(re.findall(r"^([a-z0-9.-]+)==", (ROOT / "requirements.lock").read_text("utf-8"), re.MULTILINE))
    extras = project["project"]["optional-dependencies"]
    wanted = {name(each) for each in project["project"]["dependencies"]}
    wanted |= {name(each) for extra in ("engine", "embedded", "evaluate") for each in extras[extra]}
    assert wanted <= locked
    assert not locked & {"opencv-python", "openvino-telemetry", "imageio", "imageio-ffmpeg", "scikit-image", "tqdm"}


def test_tests_run_on_the_versions_that_are_served():
    served, tested = (
        dict(re.findall(r"^(\S+)==(\S+) ?(?:;.*)?\\$", (ROOT / lock).read_text("utf-8"), re.MULTILINE))
        for lock in ("requirements.lock", "requirements-dev.lock")
    )
    assert len(served) > 50
    assert served.items() <= tested.items()
