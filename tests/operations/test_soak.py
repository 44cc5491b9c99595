"""A short soak; `make soak` runs a long one."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.soak import soak


@pytest.fixture
def short_path() -> Iterator[Path]:
    """Yield a folder whose path is short enough for PostgreSQL's socket."""
    made = Path(tempfile.mkdtemp(prefix="cn-"))
    yield made
    shutil.rmtree(made, ignore_errors=True)


@pytest.mark.timeout(400)
@pytest.mark.parametrize("encrypted", [False, True], ids=["plain", "encrypted"])
def test_what_was_answered_survives_kill_9_of_workers_database_and_key_holder(
    short_path: Path, encrypted: bool
) -> None:
    seen = soak(short_path, 15.0, 8, encrypted=encrypted)
    assert seen.wrong == []
    assert seen.counts["enrolled"] > 3
    assert seen.counts["withdrawn"] > 1
    assert any(what.startswith("killed") for what in seen.counts)
    assert seen.counts["records proven"] == len(seen.records) > 10
    assert seen.counts["entries as exported"] == seen.counts["log entries"] > len(seen.records)
    assert seen.counts["checkpoints continued"] > 3
    assert seen.counts["proofs fetched"] > 10
