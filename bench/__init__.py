"""Measured comparisons, each beside its peer in one run: `python -m bench` for all, `python -m bench NAME` for one."""

from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
#: Where the development photographs lie unless `--faces` says otherwise.
PICTURES: Final = ROOT.parent / "shared" / "faces"
#: The figures of the last run, one JSON file per bench; not kept in the repository.
OUT: Final = ROOT / "bench" / "out"
