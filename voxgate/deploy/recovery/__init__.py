"""What an earlier run left open, or this one did: decided, and brought to its end."""
