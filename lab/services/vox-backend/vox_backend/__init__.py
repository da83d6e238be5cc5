"""The API of vox."""
