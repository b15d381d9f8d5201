"""The tables of who is in a clip, and what each of them seems to feel."""

from __future__ import annotations

from ver_pipeline.schemas.columns import Table, columns

_SPAN = """
start_s           float   start in the clip
end_s             float   end in the clip
"""

PEOPLE = Table(
    "people",
    "One row a person seen or heard in a clip.  Names hold within one clip; nobody is identified.",
    ("key", "person_id"),
    columns(
        """key               string  the sample
person_id         string  name of the person within the clip, such as P1
source_id         string  the video
track_ids         strings face tracks that are this person's
speaker           string  the voice, such as S1; null where none is known to be theirs
role              string  speaker, listener, bystander, offscreen_voice or unknown
onscreen_share    float   share of the clip in which the face is seen
speaking_s        float   for how long the person speaks
n_turns           int     turns in the talk
is_subject        bool    the one whom the clip's emotion is about
label             string  the label that holds longest; undetermined where cues carry none
valence           float   mean over the stretches that have one, -1 to 1, weighted by length
confidence        float   the greatest confidence of that label
n_emotions        int     rows in person_emotions
"""
    ),
)

PERSON_EMOTIONS = Table(
    "person_emotions",
    "One row a stretch in which one person's own cues were judged: what that person seems to feel.",
    ("key", "person_id", "i"),
    columns(
        "key string  the sample\nperson_id string  the person\ni int  position in order of time, from 0"
        + _SPAN
        + """label             string  canonical label, or undetermined
valence           float   -1 to 1
arousal           float   -1 to 1
intensity         int     0 to 4
confidence        float   0 to 1
sources           strings what it rests on: face, shape, voice, words
"""
    ),
)
