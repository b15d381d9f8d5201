"""A teacher's server on this machine: which command starts it, and what fits into its memory."""
