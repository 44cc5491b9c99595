"""Counts what happens at the door, for Prometheus; no label comes from a caller and nothing tells who was concerned."""

from collections.abc import Callable
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """The house's own registry: requests by route and status, decisions by action and outcome, times, memory."""

    content_type: Final = CONTENT_TYPE_LATEST

    def __init__(self) -> None:
        """Begin at nought."""
        self._registry = CollectorRegistry(auto_describe=True)
        self._requests = Counter(
            "countenance_requests", "Requests answered.", ("route", "status"), registry=self._registry
        )
        self._decisions = Counter(
            "countenance_decisions", "Acts by outcome.", ("action", "outcome"), registry=self._registry
        )
        self._seconds = Histogram(
            "countenance_request_seconds", "Time to answer.", ("route",), buckets=_SECONDS, registry=self._registry
        )
        self._alarms = Counter("countenance_alarms", "Errors of integrity: call the officer.", registry=self._registry)
        self._in_hand = Gauge("countenance_requests_in_hand", "Requests not answered yet.", registry=self._registry)
        self._references = Gauge("countenance_references_held", "References in memory.", registry=self._registry)
        self._memory = Gauge("countenance_references_bytes", "Bytes they take in memory.", registry=self._registry)
        self._log = Gauge(
            "countenance_log_records", "Records signed, cosigned and waiting.", ("state",), registry=self._registry
        )
        ProcessCollector(namespace="countenance", registry=self._registry)

    def count(self, action: str, outcome: str) -> None:
        """Count one outcome of one action; both are words of the house."""
        self._decisions.labels(action, outcome).inc()

    def answered(self, route: str, status: int, seconds: float) -> None:
        """Count one answer of a route."""
        self._requests.labels(route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def alarm(self) -> None:
        """Count one error of integrity."""
        self._alarms.inc()

    def in_hand(self, requests: int) -> None:
        """Note how many requests are not answered yet."""
        self._in_hand.set(requests)

    def measure(self, state: str, records: int) -> None:
        """Note how many records of all operators' logs are in a state; it is a word of the house."""
        self._log.labels(state).set(records)

    def watch_references(self, held: Callable[[], int], memory: Callable[[], int]) -> None:
        """Ask for the number of references, and the bytes they take, whenever the metrics are read."""
        self._references.set_function(held)
        self._memory.set_function(memory)

    def text(self) -> bytes:
        """Return everything in the text form of Prometheus."""
        return generate_latest(self._registry)
