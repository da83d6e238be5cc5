"""What a gate has to do with its hosts, over its own part on each."""
