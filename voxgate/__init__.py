"""voxgate: the deploy gate of a voice platform."""

__version__ = "0.1.0"
