"""Ready subtitles beside a video: read, told apart into speech and the rest, and checked against the sound.

* ``encodings``: bytes to text; an encoding is chosen by what it decodes to.
* ``layout``: text to cues; odd times, missing blank lines and foreign column orders are put right, then pysubs2 reads.
* ``rolling``: captions that repeat what already stands on the screen, once.
* ``markup``: text without its tags.
* ``kinds``, ``credits``: what of a cue is spoken, and what is a sound, a song, a sign, a name or a credit.
* ``words``: spoken lines as timed words in one language.
* ``fit``: how far cues are from where somebody speaks; ``agreement``: whether they say what is heard.
* ``reader``: a file as what it says; ``choice``: which of several files is the video's transcript, if any is.
"""

from ver_pipeline.transcribers.subtitles.words import split_words, spread_words

__all__ = ["split_words", "spread_words"]
