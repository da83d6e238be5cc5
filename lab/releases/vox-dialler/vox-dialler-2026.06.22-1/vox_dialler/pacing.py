"""When the next tick is due."""

NAME = "grid"


def wait_seconds(began: float, now: float, interval: float) -> float:
    """Return how long to wait for the next tick of a series that began at `began`.

    Ticks stay on the grid `began + n * interval`: a slow tick delays itself, and not those after
    it; ticks that were missed are not made up for. All arguments are seconds on one clock.
    """
    return interval - (now - began) % interval
