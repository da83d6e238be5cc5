"""How long what voxgate does takes, beside what the same machine needs for less and beside other tools: ``make bench``."""
