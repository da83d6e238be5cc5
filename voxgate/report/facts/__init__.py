"""The facts that an invariant was judged on, as words."""
