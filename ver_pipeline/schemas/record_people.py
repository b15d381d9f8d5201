"""The people of a clip: who is seen, who speaks, who listens, and what each of them seems to feel, over time.

A person is a face followed over the clip, a voice, or both where the face is seen to speak with the voice.  Nobody is
identified: ``P1`` is a name within one clip.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ver_pipeline.schemas.record_media import Speaker
from ver_pipeline.schemas.record_types import LabelId, Part, Probability, Seconds, Signed

PersonId = Annotated[str, Field(pattern=r"^P[1-9][0-9]*$")]
Role = Literal["speaker", "listener", "bystander", "offscreen_voice", "unknown"]


class PersonEmotion(Part):
    """What one person seems to feel in a stretch of the clip, from cues of that person alone.

    ``sources`` are the labeling sources it rests on.  ``undetermined`` where they do not carry a label.
    """

    start_s: Seconds
    end_s: Seconds
    label: LabelId
    valence: Signed | None = None
    arousal: Signed | None = None
    intensity: Annotated[int, Field(ge=0, le=4)] | None = None
    confidence: Probability
    sources: tuple[Literal["face", "shape", "voice", "words"], ...] = ()


class Person(Part):
    """Somebody seen or heard in the clip.

    Attributes:
        track_ids: the face tracks that are this person's; none for a voice that no face was seen to speak with.
        speaker: the voice, by its name within the video; None where nobody told voices apart or no voice is theirs.
        role: ``speaker``; ``listener``: seen, silent, while somebody else speaks; ``bystander``: seen small or briefly,
            or while nobody speaks; ``offscreen_voice``: heard and not seen; ``unknown``: nobody could tell whether this
            face speaks.
        onscreen_share: for which share of the clip the face is seen.
        speaking_s: for how long they are heard, or seen to speak where no voice is theirs.
        turns: positions in ``speech.turns``.
        is_subject: the one whom ``emotion`` is about; at most one.
        emotions: in order of time.
    """

    person_id: PersonId
    track_ids: tuple[str, ...] = ()
    speaker: Speaker | None = None
    role: Role
    onscreen_share: Probability
    speaking_s: Seconds
    turns: tuple[Annotated[int, Field(ge=0)], ...] = ()
    is_subject: bool = False
    emotions: tuple[PersonEmotion, ...] = ()
