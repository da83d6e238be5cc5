"""The moves of a deploy on its hosts: which comes after which, and what they take away meanwhile."""
