"""What can be measured of a clip: faces, expressions, voice, sentiment, motion, perceptual hashes."""
