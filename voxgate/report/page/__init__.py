"""The page of a run: what a person sees first. Static HTML beside a style sheet and the pictures, with no script in it."""
