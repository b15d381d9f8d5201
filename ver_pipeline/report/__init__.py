"""The report: one self-contained page that shows what a data set holds and how far to trust it."""
