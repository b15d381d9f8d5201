"""From the arguments of ``ver train`` to a run, here or on Ray."""
