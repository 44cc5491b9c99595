"""How far something long has come, as a bar on a terminal."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import typer


@contextmanager
def bar(label: str) -> Iterator[Callable[[int, int], None]]:
    """Yield what shows how far something has come, of how much; where there is no terminal nothing is shown."""
    if not sys.stderr.isatty():
        yield _nothing
        return
    with typer.progressbar(length=1, label=label, file=sys.stderr) as shown:

        def told(done: int, total: int) -> None:
            shown.length = max(total, done, 1)
            shown.update(max(done, total == 0) - shown.pos)

        yield told


def _nothing(done: int, total: int) -> None:
    """Show nothing."""
