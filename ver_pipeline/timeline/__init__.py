"""Exact times: where clips begin and end, and which words lie in them."""
