"""Read the tensors of a PyTorch checkpoint without PyTorch and without unpickling it.

A checkpoint is a zip that holds a pickle (which tensor has which shape) and one file of numbers per tensor.  A pickle
is a program that may call anything.  Nothing of it runs here: ``pickletools`` takes it apart into its instructions, and
the few that describe a dictionary of tensors are followed.  Any other instruction or name is refused.
"""

from __future__ import annotations

import io
import pickletools
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

MARK: Final = object()
REBUILD = "torch._utils _rebuild_tensor_v2"
EMPTY = "collections OrderedDict"
DTYPES = {"torch FloatStorage": "<f4", "torch LongStorage": "<i8"}
CONSTANTS = ("BINUNICODE", "BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT")
FRESH: dict[str, Callable[[], Any]] = {
    "MARK": lambda: MARK, "EMPTY_DICT": dict, "EMPTY_LIST": list, "EMPTY_TUPLE": tuple,
    "NEWFALSE": lambda: False, "NEWTRUE": lambda: True, "NONE": lambda: None,
}  # fmt: skip
"""Instructions that put something new on the stack."""
MAX_TENSOR_BYTES = 1 << 30


@dataclass(frozen=True, slots=True)
class _Storage:
    """One file of numbers: its name in the archive and what the numbers are."""

    name: str
    dtype: str


@dataclass(frozen=True, slots=True)
class _Tensor:
    """Where a tensor begins in its storage, and its shape, both in numbers."""

    storage: _Storage
    offset: int
    shape: tuple[int, ...]


def read_tensors(data: bytes, under: str | None = None) -> dict[str, Array]:
    """The tensors of a state dictionary that PyTorch 1.6 or later saved, by name.

    Args:
        under: the entry of the checkpoint that is the state dictionary; None: the checkpoint itself is it.

    Raises:
        ValueError: it is no such archive, or its pickle does more than describe tensors.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            root = next(name for name in archive.namelist() if name.endswith("/data.pkl")).removesuffix("data.pkl")
            described = _follow(archive.read(f"{root}data.pkl"))
            tensors = described if under is None else described[under]
            return {str(name): _read(archive, root, tensor) for name, tensor in tensors.items()}
    except (zipfile.BadZipFile, StopIteration, LookupError, TypeError, AttributeError) as error:
        raise ValueError(f"this is no checkpoint that can be read: {error!r}") from error


def _read(archive: zipfile.ZipFile, root: str, tensor: _Tensor) -> Array:
    info = archive.getinfo(f"{root}data/{tensor.storage.name}")
    if info.file_size > MAX_TENSOR_BYTES:
        raise ValueError(f"the tensor {tensor.storage.name} takes {info.file_size} bytes")
    count = int(np.prod(tensor.shape, dtype=np.int64))
    item = np.dtype(tensor.storage.dtype)
    numbers = np.frombuffer(archive.read(info), item, count, tensor.offset * item.itemsize)
    return numbers.reshape(tensor.shape)


def _follow(program: bytes) -> Any:
    """What the pickle describes, with a ``_Tensor`` for every tensor."""
    stack: list[Any] = []
    memo: dict[Any, Any] = {}
    for opcode, argument, _ in pickletools.genops(program):
        name = opcode.name
        if name == "STOP":
            return stack.pop()
        if name in ("BINPUT", "LONG_BINPUT"):
            memo[argument] = stack[-1]
        elif name in ("BINGET", "LONG_BINGET"):
            stack.append(memo[argument])
        elif name in CONSTANTS:
            stack.append(argument)
        elif name != "PROTO":
            _apply(name, argument, stack)
    raise ValueError("the checkpoint's pickle has no end")


def _apply(name: str, argument: Any, stack: list[Any]) -> None:
    """One instruction that changes the stack."""
    if name in FRESH:
        stack.append(FRESH[name]())
    elif name == "GLOBAL" and argument in (REBUILD, EMPTY, *DTYPES):
        stack.append(argument)
    elif name == "TUPLE":
        stack.append(tuple(_to_mark(stack)))
    elif name == "SETITEMS":
        items = _to_mark(stack)
        stack[-1].update(zip(items[::2], items[1::2], strict=True))
    elif name == "SETITEM":
        value, key = stack.pop(), stack.pop()
        stack[-1][key] = value
    elif name == "APPENDS":
        items = _to_mark(stack)
        stack[-1].extend(items)
    elif name == "BUILD":
        stack.pop()  # attributes of a dictionary: notes of PyTorch about versions
    elif name in ("TUPLE1", "TUPLE2", "TUPLE3"):
        n = int(name[-1])
        stack[-n:] = [tuple(stack[-n:])]
    elif name == "BINPERSID":
        kind, storage, key, *_ = stack.pop()
        if kind != "storage" or not isinstance(key, str):
            raise ValueError(f"the checkpoint's pickle refers to {kind!r}")
        stack.append(_Storage(key, DTYPES[storage]))
    elif name == "REDUCE":
        arguments, function = stack.pop(), stack.pop()
        if function == EMPTY and arguments == ():
            stack.append({})
        elif function == REBUILD:
            stack.append(_tensor(*arguments[:4]))
        else:
            raise ValueError(f"the checkpoint's pickle calls {function!r}")
    else:
        raise ValueError(f"the checkpoint's pickle holds {name} {argument!r}, which describes no tensor")


def _to_mark(stack: list[Any]) -> list[Any]:
    items: list[Any] = []
    while stack[-1] is not MARK:
        items.append(stack.pop())
    stack.pop()
    return items[::-1]


def _tensor(storage: Any, offset: Any, shape: Any, strides: Any) -> _Tensor:
    """A tensor, if it lies in one piece."""
    rows_first = [int(np.prod(shape[i + 1 :], dtype=np.int64)) for i in range(len(shape))]
    if not isinstance(storage, _Storage) or list(strides) != rows_first:
        raise ValueError("the checkpoint holds a tensor that does not lie in one piece")
    return _Tensor(storage, int(offset), tuple(shape))
