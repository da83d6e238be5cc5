"""A run's folder attested, verified by anybody, and attached to its releases."""
