"""The fleet of vox: one worker is one process is one call slot."""
