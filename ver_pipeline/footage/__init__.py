"""The sample video: fetched and composed from pinned bytes, the same everywhere."""
