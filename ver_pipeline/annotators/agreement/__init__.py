"""How far independent label sources agree, and what follows from it."""
