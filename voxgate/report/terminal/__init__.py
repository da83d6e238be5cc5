"""What a person reads on the terminal: live progress, and the closing."""
