"""How a published data set changes: compare, drop, merge."""
