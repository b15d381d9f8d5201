"""The published format: tars, manifest, names, tombstones, and the one switch from a version to the next."""
