"""Emotion-Qwen is Qwen2.5-VL plus an expert and a gate, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from transformers import AutoModelForImageTextToText, Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration
from video_shards import make_video

from ver_pipeline.model import load
from ver_pipeline.model.convert import OFFICIAL_NAMES, convert_official, from_qwen2_5_vl, init_from, official_name
from ver_pipeline.model.data.chat import Encoded, Turn, Visual, encode_chat
from ver_pipeline.model.data.collate import collate, pack
from ver_pipeline.model.modeling import EmotionQwenForConditionalGeneration
from ver_pipeline.model.tiny import tiny_config, tiny_model, tiny_tokenizer, write_tiny
from ver_pipeline.schemas.errors import CorruptDataError, MissingModelError

torch.set_num_threads(1)


@pytest.fixture(scope="module")
def tokenizer():
    return tiny_tokenizer()


@pytest.fixture
def model(tokenizer):
    return stirred(tiny_model(tokenizer).eval())


def stirred(model):
    """Experts that differ and a gate that does not sit at one half: what training leads to."""
    torch.manual_seed(5)
    visual = model.model.visual
    for parameter in (*visual.emotion_merger.parameters(), *visual.gate.parameters()):
        if parameter.ndim > 1:
            torch.nn.init.normal_(parameter, std=0.3)
    return model


def clip(tokenizer, seed: int, frames: int = 4, height: int = 112, width: int = 112, kind: str = "video") -> Encoded:
    grid = torch.tensor([1 if kind == "image" else frames // 2, height // 14, width // 14])
    patches = torch.randn(int(grid.prod()), 1176, generator=torch.Generator().manual_seed(seed))
    turns = [Turn("user", "What emotion is it?"), Turn("assistant", "sadness" if seed % 2 else "愤怒。")]
    return encode_chat(tokenizer, turns, Visual(kind, patches, grid, 1.0), name=str(seed))


def mixed(tokenizer) -> list[Encoded]:
    """A video, a longer and larger video, a frame, and text alone."""
    text = encode_chat(tokenizer, [Turn("user", "Say a word."), Turn("assistant", "calm")], None)
    return [
        clip(tokenizer, 0), clip(tokenizer, 1, 8, 140, 168), clip(tokenizer, 2, kind="image"), text,
    ]  # fmt: skip


def plain_qwen(tokenizer, folder: Path) -> Qwen2_5_VLForConditionalGeneration:
    """A Qwen2.5-VL of the tiny size with random weights, saved in ``folder``."""
    fields = tiny_config(tokenizer).to_dict()
    vision, text = dict(fields["vision_config"]), dict(fields["text_config"])
    for name in ("model_type", "gate_heads", "gate_hidden", "gate_pooling", "expert_mode"):
        vision.pop(name)
    kept = {k: v for k, v in fields.items() if k.endswith("token_id") and k not in ("bos_token_id", "eos_token_id")}
    torch.manual_seed(3)
    qwen = Qwen2_5_VLForConditionalGeneration(Qwen2_5_VLConfig(vision_config=vision, text_config=text, **kept)).eval()
    qwen.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return qwen


def test_zero_gate_and_copied_expert_give_the_logits_of_qwen_bit_for_bit(tokenizer, tmp_path):
    qwen = plain_qwen(tokenizer, tmp_path / "qwen")
    ours = from_qwen2_5_vl(tmp_path / "qwen").eval()
    batch = collate(mixed(tokenizer), tokenizer.pad_token_id, ours.config)
    theirs = {k: v for k, v in batch.items() if k != "mm_token_type_ids"} if not takes_kinds(qwen) else batch
    assert ours.config.vision_config.expert_mode == "mix"
    visual = {name: batch[name] for name in ("image_grid_thw", "video_grid_thw", "second_per_grid_ts")}
    # Positions are ours: versions of transformers differ in theirs (``positions.py``).
    positions, _ = ours.model.get_rope_index(batch["input_ids"], attention_mask=batch["attention_mask"], **visual)
    with torch.no_grad():
        expected = qwen(**theirs, position_ids=positions).logits
        assert torch.equal(ours(**batch, position_ids=positions).logits, expected)
        assert torch.equal(ours(**batch).logits, expected)


def takes_kinds(model) -> bool:
    import inspect

    return "mm_token_type_ids" in inspect.signature(model.forward).parameters


def test_init_writes_a_model_that_loads_with_the_auto_class(tokenizer, tmp_path):
    plain_qwen(tokenizer, tmp_path / "qwen")
    init_from(tmp_path / "qwen", tmp_path / "ours")
    model = AutoModelForImageTextToText.from_pretrained(tmp_path / "ours")
    assert isinstance(model, EmotionQwenForConditionalGeneration)
    visual = model.model.visual
    assert torch.equal(visual.merger.mlp[0].weight, visual.emotion_merger.mlp[0].weight)
    assert not visual.gate.head.weight.any()
    load(tmp_path / "ours")


def test_plain_qwen_is_refused_as_a_checkpoint_with_the_cure(tokenizer, tmp_path):
    plain_qwen(tokenizer, tmp_path / "qwen")
    with pytest.raises(MissingModelError, match="ver checkpoint init"):
        load(tmp_path / "qwen")


def test_saved_and_loaded_model_has_the_same_bits(model, tokenizer, tmp_path):
    model.set_expert_mode("mix")
    model.set_gate_pooling("frame")
    model.save_pretrained(tmp_path / "a")
    again = EmotionQwenForConditionalGeneration.from_pretrained(tmp_path / "a").eval()
    assert again.config.vision_config.gate_pooling == "frame"
    ours, theirs = model.state_dict(), again.state_dict()
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


@pytest.mark.parametrize("pooling", ["clip", "frame"])
def test_a_batch_gives_each_sample_what_it_gets_alone(model, tokenizer, pooling):
    model.set_gate_pooling(pooling)
    samples = mixed(tokenizer)
    with torch.no_grad():
        together = model(**collate(samples, tokenizer.pad_token_id, model.config)).logits
        for row, sample in enumerate(samples):
            alone = model(**collate([sample], tokenizer.pad_token_id, model.config)).logits
            # Other shapes choose other kernels; float32 rounding, nothing more.
            assert torch.allclose(together[row, : len(sample.ids)], alone[0], atol=2e-5)


@pytest.mark.parametrize("pooling", ["clip", "frame"])
def test_gate_of_a_clip_does_not_see_its_neighbours(model, tokenizer, pooling):
    model.set_gate_pooling(pooling)
    log = model.log_gate()
    mine, other = clip(tokenizer, 1), clip(tokenizer, 2, 8)
    loud = Encoded(other.ids, other.labels, Visual("video", other.visual.patches * 50, other.visual.grid), "loud")
    weights = []
    for neighbour in (other, loud):
        with torch.no_grad():
            model(**collate([mine, neighbour], tokenizer.pad_token_id, model.config))
        weights.append(log.take())
    assert torch.allclose(weights[0][0], weights[1][0], atol=1e-6)
    assert not torch.allclose(weights[0][1], weights[1][1], atol=1e-4)


def test_expert_mode_uses_one_expert_alone(model, tokenizer):
    batch = collate([clip(tokenizer, 1)], tokenizer.pad_token_id, model.config)
    logits = {}
    for mode in ("general", "emotion", "mix"):
        model.set_expert_mode(mode)
        with torch.no_grad():
            logits[mode] = model(**batch).logits
    assert not torch.allclose(logits["general"], logits["emotion"])
    assert not torch.allclose(logits["general"], logits["mix"])
    torch.nn.init.zeros_(model.model.visual.emotion_merger.mlp[0].weight)
    model.set_expert_mode("general")
    with torch.no_grad():
        assert torch.equal(model(**batch).logits, logits["general"])


def test_token_kinds_are_found_when_the_caller_leaves_them_out(model, tokenizer):
    batch = collate([clip(tokenizer, 1, 8)], tokenizer.pad_token_id, model.config)
    with torch.no_grad():
        full = model(**batch).logits
        batch.pop("mm_token_type_ids")
        assert torch.equal(model(**batch).logits, full)


def test_generated_answers_do_not_depend_on_the_batch_or_the_padding(model, tokenizer):
    turns = [Turn("user", "What emotion is it?")]
    prompts = [
        encode_chat(tokenizer, turns, clip(tokenizer, 1).visual, prompt_only=True),
        encode_chat(tokenizer, turns, clip(tokenizer, 2, 8).visual, prompt_only=True),
    ]
    options = {"max_new_tokens": 6, "do_sample": False}
    batch = collate(prompts, tokenizer.pad_token_id, model.config, left=True)
    batch.pop("labels")
    together = model.generate(**batch, **options)[:, batch["input_ids"].shape[1] :]
    for row, prompt in enumerate(prompts):
        one = collate([prompt], tokenizer.pad_token_id, model.config, left=True)
        one.pop("labels")
        one.pop("mm_token_type_ids")  # found by the model itself
        alone = model.generate(**one, **options)[0, one["input_ids"].shape[1] :]
        assert together[row, : len(alone)].tolist() == alone.tolist()


def test_packed_rows_have_the_logits_and_the_loss_of_padded_rows(model, tokenizer):
    samples = mixed(tokenizer)
    batch = collate(samples, tokenizer.pad_token_id, model.config)
    with torch.no_grad():
        padded = model(**batch)
        row = pack(batch, model.model)
        packed = model(**row, use_cache=False)
    assert row["input_ids"].shape == (1, sum(len(s.ids) for s in samples))
    kept = padded.logits[batch["attention_mask"].bool()]
    assert torch.allclose(packed.logits[0], kept, atol=2e-5)
    assert torch.allclose(packed.loss, padded.loss, atol=1e-5)


def test_merged_adapters_give_the_logits_of_the_adapted_model(model, tokenizer):
    import peft

    targets = r"model\.language_model\.layers\.\d+\.self_attn\.(q|k|v|o)_proj"
    adapted = peft.get_peft_model(model, peft.LoraConfig(r=4, lora_alpha=4, target_modules=targets)).eval()
    torch.manual_seed(0)
    for name, parameter in adapted.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.05)
    batch = collate(mixed(tokenizer), tokenizer.pad_token_id, model.config)
    with torch.no_grad():
        before = adapted(**batch).logits
        with adapted.disable_adapter():
            assert not torch.allclose(adapted(**batch).logits, before, atol=1e-3)
        assert torch.allclose(adapted.merge_and_unload()(**batch).logits, before, atol=1e-5)


def official(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    back = (
        ("model.visual.emotion_merger.", "emotioncompressor."), ("model.visual.merger.", "generalcompressor."),
        ("model.visual.gate.", "gatenet."), ("model.visual.", "vpm."), ("model.language_model.", "llm.model."),
        ("lm_head.", "llm.lm_head."),
    )  # fmt: skip
    return {
        next(theirs + name[len(ours) :] for ours, theirs in back if name.startswith(ours)): value.clone()
        for name, value in state.items()
    }


def write_official(model, folder: Path, **changes) -> Path:
    from safetensors.torch import save_file

    folder.mkdir()
    model.config.save_pretrained(folder)
    weights = official(model.state_dict()) | changes
    save_file({k: v for k, v in weights.items() if v is not None}, folder / "model.safetensors", {"format": "pt"})
    return folder


def test_official_names_convert_once_and_reload_with_the_same_bits(model, tmp_path):
    convert_official(write_official(model, tmp_path / "official"), tmp_path / "ours")
    again, info = EmotionQwenForConditionalGeneration.from_pretrained(tmp_path / "ours", output_loading_info=True)
    assert not info["missing_keys"]
    assert not info["unexpected_keys"]
    assert all(torch.equal(a, b) for a, b in zip(model.state_dict().values(), again.state_dict().values(), strict=True))
    assert len({theirs for theirs, _ in OFFICIAL_NAMES}) == len(OFFICIAL_NAMES)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"resampler.weight": torch.zeros(2)}, "resampler.weight"),
        ({"vpm.strange": torch.zeros(2)}, "model.visual.strange"),
        ({"gatenet.head.weight": None}, "model.visual.gate.head.weight"),
        ({"lm_head.weight": torch.zeros(2)}, "second time"),
        ({"gatenet.head.weight": torch.zeros(3, 3)}, "shapes"),
    ],
)
def test_converter_refuses_any_key_that_does_not_match(model, tmp_path, changes, said):
    with pytest.raises(CorruptDataError, match=said):
        convert_official(write_official(model, tmp_path / "official", **changes), tmp_path / "ours")
    assert not (tmp_path / "ours").exists()


def test_unknown_official_name_is_an_error():
    assert official_name("llm.model.norm.weight") == "model.language_model.norm.weight"
    with pytest.raises(CorruptDataError, match="audio"):
        official_name("audio.encoder")


def test_qwen_checkpoint_with_a_weight_too_few_is_refused(tokenizer, tmp_path):
    from safetensors.torch import load_file, save_file

    plain_qwen(tokenizer, tmp_path / "qwen")
    file = tmp_path / "qwen" / "model.safetensors"
    weights = load_file(file)
    weights.pop(next(name for name in weights if name.endswith("norm.weight") and "layers" not in name))
    save_file(weights, file, {"format": "pt"})
    with pytest.raises(CorruptDataError, match="1 weights missing"):
        from_qwen2_5_vl(tmp_path / "qwen")


def test_tiny_model_is_a_function_of_its_seed_and_leaves_the_random_state_alone(tokenizer):
    torch.manual_seed(1)
    before = torch.get_rng_state()
    one, same, other = (tiny_model(tokenizer, seed).lm_head.weight for seed in (4, 4, 5))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)
    assert torch.equal(before, torch.get_rng_state())


def test_tiny_tokenizer_keeps_english_and_chinese_whole(tokenizer, tmp_path):
    text = "她笑了：“没关系。” She laughed — it's fine! 🙂\n"
    assert tokenizer.decode(tokenizer(text, add_special_tokens=False).input_ids) == text
    write_tiny(tmp_path / "tiny")
    _, again, _ = load(tmp_path / "tiny")
    assert again(text).input_ids == tokenizer(text).input_ids


def test_loaded_checkpoint_answers_about_a_video(tmp_path):
    write_tiny(tmp_path / "tiny")
    model, tokenizer, preprocess = load(tmp_path / "tiny")
    inputs = preprocess(make_video("anger", "red", 1), "视频中的人物表现出什么情绪？")
    answer = model.generate(**inputs, max_new_tokens=4, do_sample=False)
    assert 0 < answer.shape[1] - inputs["input_ids"].shape[1] <= 4
    assert "情绪" in tokenizer.decode(inputs["input_ids"][0])
