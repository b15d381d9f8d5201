"""Who listens: one Protocol (``base.py``), one file per recogniser, shared hearing aids beside them."""
