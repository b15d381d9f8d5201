"""The vLLM backend as far as it goes without a GPU: the processor is built, rows are shaped and read."""

from __future__ import annotations

import json
from pathlib import Path

import ray
from teacher_kit import make_request

from ver_pipeline.schemas.reasons import Reason
from ver_pipeline.stages.annotators.teacher import question
from ver_pipeline.stages.annotators.vllm import VllmAnnotator, build, keep, read_row, to_row, unpack


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
    assert row["messages"][1]["content"][-1]["text"] == chat.user
    assert row["sampling_params"]["structured_outputs"]["json"]["required"][0] == "observations"


def test_lost_and_failed_rows_are_an_unavailable_teacher() -> None:
    assert read_row(None).reason is Reason.TEACHER_UNAVAILABLE
    assert read_row(keep({"i": 0, "__inference_error__": "out of memory"})).reason is Reason.TEACHER_UNAVAILABLE
    assert read_row(keep({"i": 0, "generated_text": "{}", "num_generated_tokens": 2})).tokens_out == 2
