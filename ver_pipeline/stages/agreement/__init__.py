"""How far independent label sources agree about a clip, as numbers that are stored with it."""
