"""What a run is, once everything was judged, and how it is brought to its end."""
