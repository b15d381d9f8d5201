"""The data set in other projects' layouts."""
