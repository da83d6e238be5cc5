"""What follows from what: the order of the rules, and the findings of a run grouped by it."""
