"""Rows brought through the stages: from the cache, in this process, or on Ray."""
