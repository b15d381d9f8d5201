"""Annotation of finished data sets, what it costs, and how it compares with people and judges."""
