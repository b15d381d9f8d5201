"""The sample film: fetched and composed from pinned bytes, the same everywhere."""
