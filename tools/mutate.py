"""Change the law's own code on purpose, one small change at a time, and see that a test notices: `make mutate`.

cosmic-ray makes the changes ("mutants"): a comparison turned round, a condition negated, a loop that never runs. Each
is made in a copy in a temporary folder, so that a run that is cut off leaves nothing changed behind, and the tests
that are quickest to notice run first and stop at the first failure. A mutant that no test notices must be listed in
`tools/mutants.toml` with the reason why it changes nothing; an entry that is noticed after all, or is made no longer,
is stale. Both make the run fail. `python tools/mutate.py decide` runs one module alone.
"""

import argparse
import ast
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = Path("src/countenance")
LIST = ROOT / "tools" / "mutants.toml"
#: What is changed: the answer, and the evaluation over three values below it.
MODULES = {"decide": "decide.py", "outcome": "law/outcome.py", "tree": "law/tree.py"}
#: What has to notice, the quickest first.
TESTS = (
    "tests/law/test_tree.py",
    "tests/law/test_outcome.py",
    "tests/unit/test_decide.py",
    "tests/law/test_decide_contract.py",
    "tests/law/test_rules.py",
    "tests/law/test_exact.py",
)
#: Two tests at a time are as many as a small machine carries without running into the limit of time.
JOBS = 2
#: How many times the unchanged run a mutant may take, and no less than so many seconds.
PATIENCE, LEAST_SECONDS = 10, 60
#: What a mutant may take, since some no longer stop at a bound of the law's own.
MEMORY = 4 * 1024**3
#: Operators whose every mutant here is the same program.
SKIPPED = {
    "core/ReplaceComparisonOperator_Is_Eq": "`is` compares singletons only: None, members of an enum, True and False",
    "core/ReplaceComparisonOperator_IsNot_NotEq": "the same the other way round",
}
#: Only what these tests need is loaded: neither plug-ins nor what the whole suite has in common, such as a database.
PYTEST = "-m pytest --import-mode=importlib --confcutdir=tests/law -p no:cacheprovider -q -x"
INI = "[pytest]\npythonpath = . src\nfilterwarnings = error\n"


@dataclass(frozen=True, order=True)
class Mutant:
    """One change: the module, the function or class it is in, the line as it stands and as it becomes."""

    module: str
    where: str
    line: str
    mutant: str

    def __str__(self) -> str:
        """Return it as a difference."""
        return f"{self.module}: {self.where}\n  - {self.line}\n  + {self.mutant}"


def listed(path: Path = LIST) -> dict[Mutant, str]:
    """Return the mutants that change nothing, each with the reason."""
    made: dict[Mutant, str] = {}
    for entry in tomllib.loads(path.read_text("utf-8"))["equivalent"]:
        for each in entry["mutants"]:
            mutant = Mutant(entry["module"], entry["where"], entry["line"], each)
            if mutant in made or not entry["reason"]:
                raise ValueError(f"listed twice, or without a reason\n{mutant}")
            made[mutant] = entry["reason"]
    return made


def standing(mutant: Mutant) -> bool:
    """Whether the line that the mutant changes still stands where it says."""
    source = (ROOT / PACKAGE / MODULES[mutant.module]).read_text("utf-8")
    named = [node for node in ast.walk(ast.parse(source)) if getattr(node, "name", None) == mutant.where]
    parts = [ast.get_source_segment(source, node) or "" for node in named] if mutant.where else [source]
    texts = ("\n".join(["", *(line.strip() for line in part.split("\n")), ""]) for part in parts)
    return any(f"\n{mutant.line}\n" in text for text in texts)


def silent(source: str) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Return where decorators, annotations and names for unions of types stand.

    The decorators here freeze records, which forbids what nobody does. A changed type dies when the module is loaded,
    or says nothing at all, and would count as a mutant that a test noticed.
    """
    tree = ast.parse(source)
    nodes: list[ast.expr] = [
        node.value for node in tree.body if isinstance(node, ast.Assign) and isinstance(node.value, ast.BinOp)
    ]
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            nodes += node.decorator_list
        if isinstance(node, ast.FunctionDef) and node.returns:
            nodes.append(node.returns)
        if isinstance(node, ast.arg | ast.AnnAssign) and node.annotation:
            nodes.append(node.annotation)
    # A decorator begins at its sign, one place before its name.
    return [((node.lineno, node.col_offset - 1), (node.end_lineno or 0, node.end_col_offset or 0)) for node in nodes]


def jobs(modules: Iterable[str], folder: Path) -> Iterator[tuple[str, object]]:
    """Yield every change that cosmic-ray can make to the modules, with its module."""
    from cosmic_ray.commands import init
    from cosmic_ray.work_db import use_db

    for module in modules:
        path = PACKAGE / MODULES[module]
        spans = silent((ROOT / path).read_text("utf-8"))
        with use_db(str(folder / f"{module}.sqlite")) as session:
            init([path], session, {})
            for item in session.work_items:
                (change,) = item.mutations
                quiet = any(start <= change.start_pos and change.end_pos <= end for start, end in spans)
                if not quiet and change.operator_name not in SKIPPED:
                    yield module, change


def copy(folder: Path) -> None:
    """Copy what the tests need into the folder and work there, in bounded memory, for as long as this process lives."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    home = folder / str(os.getpid())
    for name in ("src", "tests"):
        shutil.copytree(ROOT / name, home / name, ignore=shutil.ignore_patterns("__pycache__"))
    (home / "pytest.ini").write_text(INI, "utf-8")
    os.chdir(home)
    os.environ |= {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPATH": str(home / "src")}
    # Once unchanged, which must pass; what Python compiles now spares every later run that work.
    subprocess.run([sys.executable, *PYTEST.split(), *TESTS], check=True, stdout=subprocess.DEVNULL)


def unchanged() -> float:
    """Return how long the tests take when nothing is changed."""
    start = time.perf_counter()
    subprocess.run([sys.executable, *PYTEST.split(), *TESTS], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def tried(job: tuple[str, object], seconds: float) -> tuple[Mutant, str]:
    """Make one change, run the tests, undo it; return it and what became of it: killed, survived, or why neither."""
    from cosmic_ray.mutating import mutate_and_test

    module, change = job
    result = mutate_and_test([change], " ".join([sys.executable, PYTEST, *TESTS]), seconds)
    parts = [line for line in (result.diff or "").split("\n")[3:] if line[:1] in {"-", "+"}]
    before, after = ("\n".join(line[1:].strip() for line in parts if line[0] == sign) for sign in "-+")
    mutant = Mutant(module, getattr(change, "definition_name", None) or "", before, after)
    if result.test_outcome is None or result.test_outcome == "incompetent":
        return mutant, "not run"
    return mutant, "out of time" if result.output == "timeout" else result.test_outcome.value


def report(results: Sequence[tuple[Mutant, str]], known: Mapping[Mutant, str]) -> bool:
    """Print what is listed in vain, and the figures; return whether each mutant was killed or is known for a reason."""
    alive = {mutant for mutant, outcome in results if outcome != "killed"}
    for mutant in sorted(known.keys() - alive):
        print(f"stale in {LIST.name}: {mutant}")
    for module, name in MODULES.items():
        counts = Counter(told(mutant, outcome, known) for mutant, outcome in results if mutant.module == module)
        if counts:
            print(f"{name}: {counts.total()} mutants,", ", ".join(f"{n} {what}" for what, n in sorted(counts.items())))
    return alive == known.keys()


def told(mutant: Mutant, outcome: str, known: Mapping[Mutant, str]) -> str:
    """Return what became of a mutant, in view of those known to change nothing."""
    return "equivalent" if outcome == "survived" and mutant in known else outcome


def main() -> int:
    """Run every mutant of the modules asked for; 0 when each was killed or is listed with a reason."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("modules", nargs="*", choices=[[], *MODULES], metavar="module", help=", ".join(MODULES))
    modules = parser.parse_args().modules or list(MODULES)
    known = {mutant: reason for mutant, reason in listed().items() if mutant.module in modules}
    results = []
    with tempfile.TemporaryDirectory() as folder:
        todo = list(jobs(modules, Path(folder)))
        with ProcessPoolExecutor(JOBS, initializer=copy, initargs=(Path(folder),)) as pool:
            limit = max(LEAST_SECONDS, PATIENCE * pool.submit(unchanged).result())
            print(f"{len(todo)} mutants, at most {limit:.0f} s each", flush=True)
            for mutant, outcome in pool.map(partial(tried, seconds=limit), todo):
                results.append((mutant, outcome))
                if told(mutant, outcome, known) not in {"killed", "equivalent"}:
                    print(f"{outcome}: {mutant}", flush=True)
                if len(results) % 50 == 0:
                    print(f"{len(results)} of {len(todo)}", flush=True)
    return 0 if report(results, known) else 1


if __name__ == "__main__":
    sys.exit(main())
