"""The nouns of voxgate: frozen dataclasses, standard library only."""
