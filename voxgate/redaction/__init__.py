"""What looks like a secret is cut before anything leaves the gate. Below everything that writes."""
