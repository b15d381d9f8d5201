"""From audio to words: one file a transcriber, and the checks on what they say."""
