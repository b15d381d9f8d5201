"""What each command needs beyond the base installation, and what to say where that is missing."""

from __future__ import annotations

import importlib.util

from ver_pipeline.schemas.errors import MissingDependencyError

PACKAGES: dict[str, tuple[str, ...]] = {
    "build": (
        "ray", "numpy", "pandas", "ffmpeg", "imageio_ffmpeg", "scenedetect", "cv2", "faster_whisper", "ctranslate2",
        "onnxruntime", "onnx", "vaderSentiment", "opencc", "webdataset", "great_expectations", "rich",
    ),
    "train": ("torch", "transformers", "peft", "accelerate", "tensorboard", "safetensors", "tokenizers"),
    "teacher": ("xgrammar", "aiohttp", "jsonschema", "requests"),
    "vllm": ("vllm",),
    "whisperx": ("whisperx",),
    "s3": ("s3fs", "fsspec"),
}  # fmt: skip
"""Extra of pyproject.toml to the import names of what it brings."""

COMMANDS = {
    "build": "build", "plan": "build", "annotate": "build", "drop": "build", "merge": "build", "footage": "build",
    "train": "train", "infer": "train", "checkpoint": "train",
}  # fmt: skip
"""Commands that do nothing at all without an extra."""


def require(command: str) -> None:
    """Refuse a command whose extra is not installed.

    Raises:
        MissingDependencyError: with what is missing and how to install it.
    """
    extra = COMMANDS.get(command)
    missing = [name for name in PACKAGES.get(extra or "", ()) if importlib.util.find_spec(name) is None]
    if extra is not None and missing:
        raise _missing(missing[0], extra)


def missing(error: ModuleNotFoundError) -> MissingDependencyError | None:
    """The failed import as an error for the user; None where the module is none that an extra brings."""
    name = (error.name or "").partition(".")[0]
    extra = next((extra for extra, names in PACKAGES.items() if name in names), None)
    return None if extra is None else _missing(name, extra)


def _missing(name: str, extra: str) -> MissingDependencyError:
    return MissingDependencyError(f"{name} is not installed", f'pip install "ver-pipeline[{extra}]"')
