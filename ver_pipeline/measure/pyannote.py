"""pyannote.audio's own pipeline as a diarizer, for who has the package and a pipeline of it.

Its pipelines are on the model hub, most of them behind a form; ``speech.diarize_model`` names a folder that holds one,
or the name under which the hub gives it to this user.  Nothing here was run against weights: no registry holds them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np

from ver_pipeline.measure.speakers import RATE_HZ, Diarization, Samples, named
from ver_pipeline.schemas.errors import MissingDependencyError, MissingModelError

DEFAULT = "pyannote/speaker-diarization-community-1"


class PyannoteDiarizer:
    """``pyannote.audio.Pipeline``; holds a whole video's sound at once."""

    def __init__(self, model: str | None, device: str) -> None:
        self.model = model or DEFAULT
        self.device = device
        self._pipeline: Any = None

    def fingerprint(self) -> Mapping[str, Any]:
        """The package's version and the pipeline's name."""
        try:
            release = version("pyannote.audio")
        except PackageNotFoundError:
            release = "absent"
        return {"method": f"pyannote.audio {release}", "model": self.model}

    def open(self) -> None:
        """Load the pipeline.

        Raises:
            MissingDependencyError: pyannote.audio is not installed.
            MissingModelError: there is no such pipeline, or it is not given to this user.
        """
        try:
            import torch
            from pyannote.audio import Pipeline
        except ImportError as error:
            cure = "pip install pyannote.audio, or set speech.diarize to voices"
            raise MissingDependencyError("speech.diarize: pyannote needs pyannote.audio", cure) from error
        cure = "accept its terms on the hub, or set speech.diarize_model to a folder that holds one"
        try:
            self._pipeline = Pipeline.from_pretrained(self.model)
        except (OSError, ValueError, RuntimeError) as error:
            raise MissingModelError(f"the pipeline {self.model} cannot be loaded: {error}", cure) from error
        if self._pipeline is None:
            raise MissingModelError(f"the hub does not give the pipeline {self.model} to this user", cure)
        self._pipeline.to(torch.device(self.device))

    def diarize(self, sound: Iterable[Samples], speech_s: Sequence[tuple[float, float]]) -> Diarization:
        """Who speaks when, wherever the pipeline hears somebody."""
        import torch

        blocks = list(sound)
        samples = np.concatenate(blocks) if blocks else np.zeros(0, np.float32)
        found = self._pipeline({"waveform": torch.from_numpy(samples)[None], "sample_rate": RATE_HZ})
        tracks = getattr(found, "speaker_diarization", found)  # release 4 wraps what release 3 returned
        spans = [(span.start, span.end, str(name)) for span, _, name in tracks.itertracks(yield_label=True)]
        numbers = {name: i for i, name in enumerate(sorted({name for *_, name in spans}))}
        return named((a, b, numbers[name]) for a, b, name in spans)
