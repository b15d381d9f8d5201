"""Reading and writing media: the packaged ffmpeg, probing, small decoded pictures."""
