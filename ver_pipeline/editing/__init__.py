"""A published data set changed in place, joined or compared: drop, merge, diff, and finishing what a kill left."""
