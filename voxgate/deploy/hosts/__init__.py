"""The hosts' side of a deploy: who holds a host, what it says of itself, what is written and done there."""
