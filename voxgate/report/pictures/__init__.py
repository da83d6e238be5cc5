"""Pictures of a run: the estate, and the moves over time."""
