"""The gate killed, paused, cut off, raced at every point, and the run after it."""
