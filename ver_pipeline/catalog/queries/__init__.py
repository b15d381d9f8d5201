"""The named queries, one ``.sql`` file each.  A package so that installation carries them along."""
