"""Measurements of a clip: faces, expression, voice, picture, words.  Each file measures one thing."""
