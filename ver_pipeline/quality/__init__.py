"""What a whole data set is judged by: expectations, near-duplicates, human-written text."""
