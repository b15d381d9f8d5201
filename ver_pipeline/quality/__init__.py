"""How good a whole data set is: expectations, near-duplicates, human-written text, reviewers, a judge."""
