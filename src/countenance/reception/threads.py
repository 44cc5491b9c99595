"""The threads that work for requests: pictures queue among themselves, and readiness beside everything else."""

from collections.abc import Callable
from typing import Final, TypeVar

import anyio
from anyio.to_thread import run_sync

from countenance.settings import Settings

Answer = TypeVar("Answer")

#: Threads beside those that compute: a withdrawal must not wait for pictures.
_BESIDE: Final = 4


class Threads:
    """The limiters of working threads; each thread holds at most one connection to the database."""

    def __init__(self, settings: Settings) -> None:
        """Size them by the engine and by the pool of connections."""
        threads = min(settings.engine_workers + _BESIDE, settings.database_connections)
        self.limiter = anyio.CapacityLimiter(threads)
        # One more picture than is computed at a time: memory stays bounded, and a withdrawal does not wait for them.
        self.pictures = anyio.CapacityLimiter(min(settings.engine_workers + 1, threads))
        # Anybody may try a password, and to compare one is slow on purpose: it keeps one thread busy and no more.
        self.guesses = anyio.CapacityLimiter(1)
        # Readiness is asked when all else is stuck, so it does not queue with the rest.
        self.beside = anyio.CapacityLimiter(1)

    async def work(
        self, act: Callable[[], Answer], *, beside: bool = False, picture: bool = False, guess: bool = False
    ) -> Answer:
        """Run blocking work in a thread and return what it returns."""
        limiter = self.pictures if picture else self.guesses if guess else self.beside if beside else self.limiter
        return await run_sync(act, limiter=limiter)
