"""The command ``voxgate``: what is done with runs, beside making them (that is pytest's part)."""
