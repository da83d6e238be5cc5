"""The metrics of the dialler, in a registry of their own."""

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)


class Metrics:
    """What is counted, beside what the collector of the process tells."""

    def __init__(self) -> None:
        """Begin at zero."""
        disable_created_metrics()
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        self.ticks = Counter(
            "voxdialler_ticks",
            "Ticks that this process wrote to its database.",
            registry=self.registry,
        )
        self.last_tick = Gauge(
            "voxdialler_last_tick_timestamp_seconds",
            "When the last tick was written, in seconds since 1970.",
            registry=self.registry,
        )
        self.calls_placed = Counter(
            "voxdialler_calls_placed",
            "Calls that this process claimed and placed.",
            registry=self.registry,
        )
