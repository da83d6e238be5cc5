"""The dialler of vox: exactly one process for each database."""
