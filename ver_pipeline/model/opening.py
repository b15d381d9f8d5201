"""Open a model's folder, which may be anybody's: what it may hold is decided here, and what goes wrong is one line.

transformers believes a folder: its config may name other weights, a quantiser or a kernel of the hub, an index may
name files elsewhere or pickles, an adapter may lie in it and name its own base.  So the folder is looked through first,
and only then does the library read it, inside :func:`opening`.
"""

from __future__ import annotations

import json
import logging
import math
import re
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ver_pipeline.schemas.errors import MissingModelError, VerError
from ver_pipeline.schemas.untrusted import first_line, is_component, read_plain

LOG = logging.getLogger(__name__)
CONFIG = "config.json"
JSON_LIMIT_BYTES = 16 << 20

STEERING = frozenset(
    {"transformers_weights", "quantization_config", "fusion_config", "kernel_config", "use_kernels",
     "distributed_config", "compression_config"}
)  # fmt: skip
"""Keys of a config that make the library read other files or load other code."""
_IMPLEMENTATION = re.compile(r"_?(attn|experts)_implementation(_internal)?")
_COUNTS = re.compile(r"(^|_)(layers?|depth|experts|blocks)$")
_TOKENIZER = ("tokenizer_config.json", "special_tokens_map.json", "generation_config.json")
_CURE = "copy the checkpoint again, whole, from a place that you trust"


@contextmanager
def opening(folder: Path) -> Iterator[None]:
    """Stands around whatever a library does with a model's folder, once :func:`check_folder` has passed it.

    Raises:
        MissingModelError: the folder is refused, or the library could not make a model of it.
    """
    check_folder(folder)
    with _quiet():
        try:
            yield
        except VerError:
            raise
        except Exception as error:
            LOG.debug("opening %s", folder, exc_info=True)
            what = f"{folder} cannot be opened as a model: {type(error).__name__}: {first_line(error)[:300]}"
            raise MissingModelError(what, _CURE) from error


def model_type_of(folder: Path) -> str:
    """What kind of model a folder says it holds.

    Raises:
        MissingModelError: it has no config, or one that says nothing.
    """
    kind = read_config(folder).get("model_type")
    if not isinstance(kind, str):
        raise MissingModelError(f"{folder / CONFIG} names no model_type", _CURE)
    return kind


def read_config(folder: Path) -> dict[str, Any]:
    """``config.json``.

    Raises:
        MissingModelError: it is not there, or is no JSON object.
    """
    config = _json_object(folder / CONFIG)
    if config is None:
        raise MissingModelError(f"{folder} holds no {CONFIG}", "make one with `ver checkpoint`, or copy it there")
    return config


def check_folder(folder: Path) -> None:
    """Refuse a folder that leads elsewhere, or that makes the library do more than read weights and a tokenizer.

    Raises:
        MissingModelError: naming the file and what is wrong with it.
    """
    config = read_config(folder)
    for path in sorted(folder.iterdir()):
        _check_entry(folder, path)
    _check_steering(folder, config)
    for name in _TOKENIZER:
        _json_object(folder / name)
    for path in folder.glob("adapter_*"):
        what = f"{path}: an adapter lies in the folder, which would be put into the model"
        raise MissingModelError(what, "merge it into the weights, or move it elsewhere")
    for path in folder.glob("*.index.json"):
        _check_index(path)
    _check_size(folder, config)


def _check_entry(folder: Path, path: Path) -> None:
    """Each entry is a plain file or a folder; a link may lead to another name in the folder or to a hub's own blob."""
    if path.is_symlink():
        target, real = path.resolve(), folder.resolve()
        blobs = real.parent.parent / "blobs" if real.parent.name == "snapshots" else real
        if target.parent not in (real, blobs):
            raise MissingModelError(f"{path} is a link to elsewhere", "copy the file there itself")
    mode = path.stat().st_mode if path.exists() else 0
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        raise MissingModelError(f"{path} is no plain file", _CURE)


def _check_steering(folder: Path, value: Any) -> None:
    if isinstance(value, list):
        for inner in value:
            _check_steering(folder, inner)
    if not isinstance(value, dict):
        return
    for key, inner in value.items():
        other_code = _IMPLEMENTATION.fullmatch(key) and re.search("[/:@]", json.dumps(inner))
        if inner and (key in STEERING or other_code):
            what = f"{folder / CONFIG}: {key!r} would load other weights or other code"
            raise MissingModelError(what, "give a checkpoint of plain weights, not quantised, without that key")
        _check_steering(folder, inner)


def _check_index(path: Path) -> None:
    """An index of weight files names safetensors of its own folder."""
    names = (_json_object(path) or {}).get("weight_map")
    if not isinstance(names, dict) or not all(is_component(n) and n.endswith(".safetensors") for n in names.values()):
        raise MissingModelError(f"{path} names files that are no safetensors of this folder", _CURE)


def _check_size(folder: Path, config: Mapping[str, Any]) -> None:
    """No more layers than there are tensors: a config alone could make the library build models for ever."""
    n_tensors = max(128, len(weight_tensors(folder)))
    for where, count in _numbers(config):
        if count > n_tensors and _COUNTS.search(where):
            raise MissingModelError(
                f"{folder / CONFIG}: {where!r} is {count}, but there are {n_tensors} tensors", _CURE
            )


def require_fit(folder: Path, on_meta: Any) -> None:
    """Refuse a model that is far larger than its weight files, before memory is taken for it.

    Args:
        on_meta: the model, made of the folder's config on torch's ``meta`` device.

    Raises:
        MissingModelError: a shape differs, or it has more than four times as many numbers as the files hold.
    """
    state, files = on_meta.state_dict(), weight_tensors(folder)
    for name in sorted(state.keys() & files.keys()):
        if tuple(state[name].shape) != files[name]:
            what = f"{folder}: {name} has the shape {files[name]}, its config wants {tuple(state[name].shape)}"
            raise MissingModelError(what, _CURE)
    held = sum(math.prod(shape) for shape in files.values())
    wanted = sum(tensor.numel() for tensor in (*on_meta.parameters(), *on_meta.buffers()))
    if wanted > 4 * held + (1 << 24):
        what = f"{folder}: its config describes {wanted} weights, its files hold {held}"
        raise MissingModelError(what, _CURE)


def weight_tensors(folder: Path) -> dict[str, tuple[int, ...]]:
    """Shape of each tensor in the safetensors files, from their headers alone.

    Raises:
        MissingModelError: there is no such file, or one is damaged.
    """
    from safetensors import SafetensorError, safe_open

    shapes: dict[str, tuple[int, ...]] = {}
    paths = sorted(folder.glob("*.safetensors"))
    for path in paths:
        try:
            with safe_open(path, framework="np") as file:
                shapes |= {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
        except (OSError, ValueError, SafetensorError) as error:
            raise MissingModelError(f"{path} cannot be read: {first_line(error)}", _CURE) from error
    if not paths:
        raise MissingModelError(f"{folder} holds no .safetensors file", "give a folder with weights as safetensors")
    return shapes


def _json_object(path: Path) -> dict[str, Any] | None:
    """A JSON file of the folder; None where it is not there."""
    try:
        value = json.loads(read_plain(path, JSON_LIMIT_BYTES).decode("utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError, VerError) as error:
        raise MissingModelError(f"{path} cannot be read: {first_line(error)[:200]}", _CURE) from error
    if not isinstance(value, dict):
        raise MissingModelError(f"{path} is no JSON object", _CURE)
    return value


def _numbers(value: Any, key: str = "") -> Iterator[tuple[str, float]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _numbers(inner, name)
    elif isinstance(value, list):
        for inner in value:
            yield from _numbers(inner, key)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield key, value


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the library's own account of a failure off the terminal: the one line says it; ``-vv`` shows all."""
    if LOG.isEnabledFor(logging.DEBUG):
        yield
        return
    library = logging.getLogger("transformers")
    before = library.level
    library.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        library.setLevel(before)
