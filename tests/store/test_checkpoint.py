"""A checkpoint of PyTorch is read without PyTorch, and nothing that it holds is ever run."""

from __future__ import annotations

import io
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ver_pipeline.assets.checkpoint import read_tensors


def saved(value: Any) -> bytes:
    out = io.BytesIO()
    torch.save(value, out)
    return out.getvalue()


def with_pickle(program: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("archive/data.pkl", program)
    return out.getvalue()


class Bomb:
    """Leaves a mark where it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> Any:
        return Path.touch, (self.mark,)


def test_tensors_are_those_that_pytorch_saved() -> None:
    layer = torch.nn.Sequential(torch.nn.Conv1d(3, 4, 5), torch.nn.BatchNorm1d(4))
    state = layer.state_dict()
    for read in (read_tensors(saved(state)), read_tensors(saved({"format": 1, "net": state, "rate": 0.5}), "net")):
        assert list(read) == list(state)
        assert all(np.array_equal(read[name], tensor.numpy()) for name, tensor in state.items())


def test_what_a_checkpoint_would_run_is_refused_and_not_run(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    for protocol in (2, 4):
        with pytest.raises(ValueError, match=r"pickle|checkpoint"):
            read_tensors(with_pickle(pickle.dumps({"weight": Bomb(mark)}, protocol)))
    assert not mark.exists()


def test_no_function_but_that_which_builds_tensors_is_taken() -> None:
    for program in (b"cos\nsystem\n(S'true'\ntR.", b"\x80\x02ctorch._utils\n_rebuild_tensor\n)R.", b"\x80\x02}.extra"):
        with pytest.raises(ValueError, match=r"pickle|checkpoint"):
            read_tensors(with_pickle(program), under="weights")


@pytest.mark.parametrize("data", [b"", b"no zip", with_pickle(b"")])
def test_what_is_no_checkpoint_is_a_plain_error(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"pickle|checkpoint"):
        read_tensors(data)


def test_a_tensor_that_does_not_lie_in_one_piece_is_refused() -> None:
    with pytest.raises(ValueError, match="one piece"):
        read_tensors(saved({"weight": torch.zeros(3, 4).t()}))
