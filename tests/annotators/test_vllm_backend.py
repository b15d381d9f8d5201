"""The vLLM backend as far as it goes without a GPU: the processor is built, rows are shaped and read."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import ray
from ray.llm._internal.batch.stages import wrap_postprocess
from teacher_kit import make_request

from ver_pipeline.annotators.backends.vllm import VllmAnnotator, build, keep, read_row, revision_of, to_row, unpack
from ver_pipeline.annotators.teacher.teacher import question
from ver_pipeline.schemas.reasons import Reason


def test_processor_is_built_without_a_gpu(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "qwen2_5_vl"}', encoding="utf-8")
    annotator = VllmAnnotator({"model": str(tmp_path), "tensor_parallel_size": 2, "n_frames": 4})
    try:
        processor = build(annotator.options)
    finally:
        ray.shutdown()  # Ray's LLM part starts an instance to count its users
    names = " ".join(processor.list_stage_names())
    assert "vLLMEngineStage" in names
    assert "PrepareMultimodalStage" in names
    engine = processor.get_stage_by_name(next(n for n in processor.list_stage_names() if "vLLMEngine" in n))
    assert engine.fn_constructor_kwargs["engine_kwargs"]["tensor_parallel_size"] == 2


def test_question_survives_the_way_to_the_engine() -> None:
    annotator = VllmAnnotator({"model": "m"})
    chat = question(make_request(0), annotator.teacher, "annotate")
    row = unpack({"i": 3, "row": json.dumps(to_row(chat, annotator.options))})
    assert row["i"] == 3
    assert row["messages"][0] == {"role": "system", "content": chat.system}
    assert row["messages"][1] == {"role": "user", "content": chat.user}
    assert json.loads(row["sampling_params"]["structured_outputs"]["json"])["required"][0] == "observations"


def test_schemas_stay_apart_where_arrow_gives_their_rows_one_type() -> None:
    annotator = VllmAnnotator({"model": "m", "flow": "families"})
    fill = {"evidence": "[]", "hypotheses": "[]"}
    chats = [question(make_request(0), annotator.teacher, name, **fill) for name in ("label_mer6", "label_dim")]
    rows = [to_row(chat, annotator.options)["sampling_params"] for chat in chats]
    back = pa.array(rows).to_pylist()
    assert [json.loads(row["structured_outputs"]["json"]) for row in back] == [chat.schema for chat in chats]


def test_question_without_frames_is_plain_text_for_every_chat_template() -> None:
    annotator = VllmAnnotator({"model": "m", "flow": "staged"})
    chat = question(make_request(0), annotator.teacher, "merge_label", evidence="[]")
    assert to_row(chat, annotator.options)["messages"][1]["content"] == chat.user


def test_stated_revision_is_the_one_that_is_loaded(tmp_path: Path) -> None:
    stated = VllmAnnotator({"model": "org/name", "revision": "abc"}).options
    assert revision_of(stated) == {"revision": "abc", "tokenizer_revision": "abc"}
    assert revision_of(VllmAnnotator({"model": "org/name"}).options) == {}
    assert revision_of(VllmAnnotator({"model": str(tmp_path), "revision": "abc"}).options) == {}


def test_lost_and_failed_rows_are_an_unavailable_teacher() -> None:
    after = wrap_postprocess(keep, "__data", include_error_column=True)
    failed = after({"__data": {"i": 0, "row": "", "__inference_error__": "ValueError: prompt too long"}})
    answered = after({"__data": {"i": 1, "generated_text": "{}", "num_generated_tokens": 2, "__inference_error__": ""}})
    assert read_row(None).reason is Reason.TEACHER_UNAVAILABLE
    assert read_row(failed).reason is Reason.TEACHER_UNAVAILABLE
    assert "prompt too long" in read_row(failed).message
    assert read_row(answered).tokens_out == 2
