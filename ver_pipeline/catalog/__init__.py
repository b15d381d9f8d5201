"""The catalog: tables written beside the shards, and the read-only database opened over them."""
