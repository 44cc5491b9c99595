"""Whether time tells who is on file: requests over HTTP, in turns, about nobody and about somebody.

Compared are an unknown word and a person who never said yes, both refused; and of persons who are enrolled one who has
one reference and one who has eight, each with a stranger's picture. The figures are the difference of the medians, and
Welch's t: beyond 4.5 a difference is taken for real (as leakage of side channels is assessed, ISO/IEC 17825).
"""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np

from bench.hotel import DEVICE, PURPOSE, SESSION, standing
from bench.pictures import as_sent, development
from countenance.client import Client, Refused

TARGETS: Final = {"refusals: |t|": ("≤", 4.5), "non-matches: |t|": ("≤", 4.5)}
_REFUSALS: Final = 1500
#: Below the budget of pictures that do not match for one claim in a day.
_COMPARISONS: Final = 200
_REFERENCES: Final = 8
_PICTURES: Final = 40


def measure(faces: Path) -> dict[str, float]:
    """Return the differences in microseconds, and how sure they are."""
    pictures = [as_sent(each, near=True) for each in development(faces, _PICTURES)]
    with (
        tempfile.TemporaryDirectory(prefix="cn-") as folder,
        standing(Path(folder)) as server,
        Client(server.url, server.token) as client,
    ):
        return _refusals(client, pictures[0]) | _non_matches(client, pictures[0], pictures[-1])


def _refusals(client: Client, picture: bytes) -> dict[str, float]:
    _decide(client, "said-no", "refused")
    return _compared(
        "refusals", _REFUSALS, *(lambda ref=ref: _ask(client, picture, ref) for ref in ("nobody", "said-no"))
    )


def _non_matches(client: Client, picture: bytes, stranger: bytes) -> dict[str, float]:
    for ref, count in (("one", 1), ("many", _REFERENCES)):
        _decide(client, ref, "given")
        for _ in range(count):
            client.enrol(picture, subject=ref, purpose=PURPOSE, device=DEVICE, session=SESSION)
    return _compared(
        "non-matches", _COMPARISONS, *(lambda ref=ref: _ask(client, stranger, ref) for ref in ("one", "many"))
    )


def _decide(client: Client, ref: str, decision: str) -> None:
    yes: dict[str, Any] = {"form": "separate", "scopes": ["enrol", "verify", "off_device_storage"]}
    given = yes if decision == "given" else {}
    served = client.serve_notice(purpose=PURPOSE, language="en")["served"]
    client.consent(subject=ref, purpose=PURPOSE, decision=decision, served=served, age_class="adult", **given)


def _ask(client: Client, picture: bytes, ref: str) -> str:
    try:
        answer = client.verify(picture, subject=ref, purpose=PURPOSE, device=DEVICE, session=SESSION)
    except Refused:
        return "refused"
    return str(answer["outcome"])


def _compared(name: str, count: int, one: Callable[[], str], other: Callable[[], str]) -> dict[str, float]:
    """Ask in turns, the first of each pair by chance, and return how the two differ."""
    taken: tuple[list[float], list[float]] = ([], [])
    first, answers = np.random.default_rng(3).integers(0, 2, count), set[str]()
    for turn in range(count):
        for which in (first[turn], 1 - first[turn]):
            start = time.perf_counter()
            answers.add((one, other)[which]())
            taken[which].append((time.perf_counter() - start) * 1e6)
    if len(answers) != 1:
        message = f"The two are told apart by their answers already: {answers}"
        raise RuntimeError(message)
    # The slowest tenth is the machine's doing; what is left is looked at.
    kept = [np.sort(np.array(each))[: int(0.9 * count)] for each in taken]
    apart = float(np.median(kept[1]) - np.median(kept[0]))
    t = (kept[1].mean() - kept[0].mean()) / np.sqrt(sum(each.var(ddof=1) / each.size for each in kept))
    return {f"{name}: median µs": float(np.median(kept[0])), f"{name}: apart µs": apart, f"{name}: |t|": abs(float(t))}
