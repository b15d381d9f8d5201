"""What is foreign is data and never code: no pickle, no code of a checkpoint, no tags of YAML, no shell.

The first tests read the package's own source, so that one careless call anywhere fails; the others bring a file that
would leave a mark if anything of it ran.
"""

from __future__ import annotations

import ast
import json
import pickle
import tarfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
import torch

import ver_pipeline
from ver_pipeline.cli import main
from ver_pipeline.config_file import load_config
from ver_pipeline.engine.wire import WireError, outcome_bytes, read_outcome
from ver_pipeline.model.data.webfolder import open_webfolder
from ver_pipeline.schemas.errors import ConfigError, DiskFullError, VerError
from ver_pipeline.schemas.reasons import Reason, Reject

PACKAGE = Path(ver_pipeline.__file__).parent
UNPICKLING = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "shelve", "marshal", "jsonpickle"}
SENDS_THE_STAGE = {"engine/child.py", "engine/isolation.py"}
"""A stage goes from a process to the child that it started itself; nothing comes back that way."""


def sources() -> Iterator[tuple[str, ast.Module]]:
    paths = sorted(PACKAGE.rglob("*.py"))
    assert len(paths) > 200
    for path in paths:
        yield path.relative_to(PACKAGE).as_posix(), ast.parse(path.read_text("utf-8"))


def calls() -> Iterator[tuple[str, str, ast.Call]]:
    for name, tree in sources():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                yield name, ast.unparse(node.func), node


def test_nothing_is_unpickled_but_the_stage_that_a_process_sends_to_its_own_child() -> None:
    users = set()
    for name, tree in sources():
        for node in ast.walk(tree):
            modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            modules += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            if UNPICKLING.intersection(module.split(".")[0] for module in modules):
                users.add(name)
    assert users == SENDS_THE_STAGE
    loading = {(name, call) for name, call, _ in calls() if call.endswith(("pickle.loads", "pickle.load"))}
    assert loading == {("engine/child.py", "pickle.loads")}


@pytest.mark.parametrize(
    "forbidden",
    ["torch.load", "torch.save", "np.load", "numpy.load", "yaml.load", "yaml.unsafe_load", "yaml.full_load", "eval",
     "exec", "os.system", "os.popen", "pd.read_pickle", "pandas.read_pickle", "shutil.unpack_archive"],
)  # fmt: skip
def test_what_may_run_or_unpack_foreign_things_is_never_called(forbidden: str) -> None:
    assert [name for name, call, _ in calls() if call == forbidden] == []


def test_no_archive_is_unpacked_and_no_shell_is_started() -> None:
    for name, call, node in calls():
        assert not call.endswith(".extractall"), name
        shell = [k.value for k in node.keywords if k.arg == "shell"]
        assert all(isinstance(value, ast.Constant) and value.value is False for value in shell), name


def test_every_checkpoint_is_opened_as_safetensors_and_without_its_code() -> None:
    found = 0
    for name, call, node in calls():
        if not call.endswith(".from_pretrained") or "Config" in call:
            continue
        found += 1
        spread = {ast.unparse(k.value) for k in node.keywords if k.arg is None}
        wanted = "SAFE_TOKENIZER" if "Tokenizer" in call else "SAFE_WEIGHTS"
        assert any(wanted in text for text in spread), f"{name}: {ast.unparse(node)}"
    assert found >= 6
    assert not [name for name, _, node in calls() for k in node.keywords if k.arg == "trust_remote_code"]


def test_every_folder_of_a_model_is_looked_through_before_a_library_reads_it() -> None:
    found = 0
    for name, tree in sources():
        guarded = [
            inner
            for node in ast.walk(tree)
            if isinstance(node, ast.With) and any("opening(" in ast.unparse(item) for item in node.items)
            for inner in ast.walk(node)
        ]
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(".from_pretrained"):
                found += 1
                assert node in guarded, f"{name}: {ast.unparse(node)}"
    assert found >= 10


class Bomb:
    """Leaves a mark where it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple:
        return (Path.write_text, (self.mark, "ran"))


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    assert main(["checkpoint", "tiny", str(tmp_path / "tiny")]) == 0
    return tmp_path / "tiny"


def test_a_checkpoint_of_pickled_weights_is_refused_and_not_opened(
    tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mark = tmp_path / "mark"
    (tiny / "model.safetensors").unlink()
    torch.save(Bomb(mark), tiny / "pytorch_model.bin")
    (tmp_path / "film.mp4").write_bytes(b"x")
    assert main(["infer", str(tiny), str(tmp_path / "film.mp4")]) == 1
    told = capsys.readouterr().err
    assert "safetensors" in told and len(told.strip().splitlines()) == 1, told
    assert not mark.exists()


def test_the_code_that_lies_in_a_checkpoint_is_not_run(tiny: Path, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    code = f"from pathlib import Path\nPath({str(mark)!r}).write_text('ran')\nclass M: pass\n"
    (tiny / "modeling_evil.py").write_text(code)
    for name in ("config.json", "tokenizer_config.json"):
        if (tiny / name).is_file():
            told = json.loads((tiny / name).read_text())
            names = ("AutoModel", "AutoConfig", "AutoModelForImageTextToText")
            told["auto_map"] = {**dict.fromkeys(names, "modeling_evil.M"), "AutoTokenizer": ["modeling_evil.M", None]}
            (tiny / name).write_text(json.dumps(told))
    (tmp_path / "film.mp4").write_bytes(b"x")
    main(["infer", str(tiny), str(tmp_path / "film.mp4")])
    assert not mark.exists()


def test_yaml_tags_are_an_error_and_run_nothing(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    (tmp_path / "ver.yaml").write_text(f"speech: !!python/object/apply:os.system ['touch {mark}']\n")
    with pytest.raises(ConfigError, match="is not YAML"):
        load_config(str(tmp_path / "ver.yaml"))
    with pytest.raises(ConfigError):
        load_config(overrides=[f"speech.model=!!python/object/apply:os.system ['touch {mark}']"])
    assert not mark.exists()


def test_a_pickle_in_a_foreign_tar_is_not_opened(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    (tmp_path / "set").mkdir()
    members = {"a.txt": b"a caption", "a.pkl": pickle.dumps(Bomb(mark)), "a.pyd": pickle.dumps(Bomb(mark))}
    with tarfile.open(tmp_path / "set" / "x.tar", "w") as tar:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, BytesIO(data))
    folder = open_webfolder(tmp_path / "set")
    assert folder.turns(0)[1].text == "a caption"
    assert not mark.exists()


def test_a_child_that_was_turned_against_us_is_not_unpickled(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    nonsense = (b"", b"[]", b"{}", b'{"outcome": 3}', b'{"reject": {}}', b'{"error": 1}', b'{"a": 1}')
    for said in (pickle.dumps(Bomb(mark)), *nonsense):
        with pytest.raises(WireError):
            read_outcome(said)
    assert not mark.exists()


def test_what_a_child_says_arrives_as_it_was_said() -> None:
    reject = Reject(Reason.TOO_SHORT, "clip", "0.4 s", "a" * 64, "raw/x.mp4", None)
    for outcome in (reject, {"a": [1, 2.5, None, "你好"]}, [{"a": 1}, {"a": 2}], "ready"):
        assert read_outcome(outcome_bytes(outcome)) == outcome
    for error in (DiskFullError("full", "free some"), VerError("what", "cure")):
        back = read_outcome(outcome_bytes(error))
        assert (type(back), str(back)) == (type(error), str(error))
