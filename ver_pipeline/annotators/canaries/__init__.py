"""Questions whose answers we know: what a model reads back proves which senses work (docs/guarantees/senses.md)."""
