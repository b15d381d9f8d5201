"""Opening foreign media for reading: the one place, and what it may read is the bytes of the file itself."""
