"""Models and sample footage by name: what is pinned, and how pinned bytes are fetched, checked and converted."""
