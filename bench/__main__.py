"""Runs the benches and prints one table: figure, value, target, whether it is met.

Every module here with `measure(faces) -> dict[str, float]` is a bench. `TARGETS` says what a figure must reach.
"""

import argparse
import importlib
import json
import pkgutil
import sys
from pathlib import Path
from types import ModuleType

import bench
from bench import OUT, PICTURES
from bench.machine import machine


def benches() -> dict[str, ModuleType]:
    """Return the benches by name."""
    names = [entry.name for entry in pkgutil.iter_modules(bench.__path__) if entry.name != "__main__"]
    modules = {name: importlib.import_module(f"bench.{name}") for name in names}
    return {name: module for name, module in modules.items() if hasattr(module, "measure")}


def rows(module: ModuleType, figures: dict[str, float]) -> list[tuple[str, str, str, str]]:
    """Return the lines of the table for one bench."""
    found = []
    targets: dict[str, tuple[str, float]] = getattr(module, "TARGETS", {})
    for name, value in figures.items():
        sign, limit = targets.get(name, ("", 0.0))
        met = {"": "", "≥": "yes" if value >= limit else "NO", "≤": "yes" if value <= limit else "NO"}[sign]
        found.append((name, f"{value:.4g}", f"{sign} {limit:g}" if sign else "", met))
    return found


def main() -> int:
    """Run what was asked for; exit 1 where a target is missed."""
    found = benches()
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one or more of: {', '.join(found)}")
    parser.add_argument("--faces", type=Path, default=PICTURES, help="folder with pairs.csv and images/")
    asked = parser.parse_args()
    if unknown := set(asked.names) - set(found):
        parser.error(f"no bench is called {', '.join(sorted(unknown))}")
    if not (asked.faces / "pairs.csv").is_file():
        sys.stderr.write(
            "The benches need photographs: a folder with pairs.csv (file_a,file_b,same) and the files it names.\n"
            "Labeled Faces in the Wild, view 1, serves: turn pairsDevTest.txt into that list, and name it by --faces.\n"
        )
        return 2
    OUT.mkdir(exist_ok=True)
    missed = 0
    print(machine())
    print(f"{'bench':<10} {'figure':<34} {'value':>10}  {'target':<10} met")
    for name in asked.names or found:
        figures = found[name].measure(asked.faces)
        (OUT / f"{name}.json").write_text(json.dumps({"machine": machine(), "figures": figures}, indent=2), "utf-8")
        for figure, value, target, met in rows(found[name], figures):
            print(f"{name:<10} {figure:<34} {value:>10}  {target:<10} {met}", flush=True)
            missed += met == "NO"
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
