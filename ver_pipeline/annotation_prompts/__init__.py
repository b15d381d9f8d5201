"""Versioned prompt texts, English and Chinese, and their loader (``load.py``)."""
