"""What is judged beside a deploy's end: what stood before, its canary, and who else is at work."""
