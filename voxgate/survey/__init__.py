"""One look at each host: the probe that runs there, and how what it says comes back, is read and is kept."""
