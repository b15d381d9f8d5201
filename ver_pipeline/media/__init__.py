"""Videos as files: the one place that opens them, and probing, cutting and encoding with ffmpeg."""
