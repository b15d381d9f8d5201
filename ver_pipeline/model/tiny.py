"""A small real Emotion-Qwen (about one million weights) with its own English and Chinese tokenizer.

Random weights: it learns what it is shown in seconds on a CPU and knows nothing else.  Tests and the
quick start use it; it is never a silent default.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from ver_pipeline.model.configuration import EmotionQwenConfig
from ver_pipeline.model.modeling import EmotionQwenForConditionalGeneration

SPECIAL_TOKENS = (
    "<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|object_ref_start|>", "<|object_ref_end|>",
    "<|box_start|>", "<|box_end|>", "<|quad_start|>", "<|quad_end|>", "<|vision_start|>",
    "<|vision_end|>", "<|vision_pad|>", "<|image_pad|>", "<|video_pad|>",
)  # fmt: skip
"""Qwen2.5-VL's special tokens, in its order."""

_SPLIT = r"[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+"
_CHAT_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{% if message['content'] is string %}{{ message['content'] }}{% else %}{% for part in message['content'] %}"
    "{% if part['type'] == 'video' %}<|vision_start|><|video_pad|><|vision_end|>"
    "{% elif part['type'] == 'image' %}<|vision_start|><|image_pad|><|vision_end|>"
    "{% else %}{{ part['text'] }}{% endif %}{% endfor %}{% endif %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def tiny_tokenizer(vocab_size: int = 1024) -> Any:
    """A byte-level BPE tokenizer trained on our own small corpus; any text survives a round trip."""
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    inner = Tokenizer(models.BPE())
    inner.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_SPLIT), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    inner.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size - len(SPECIAL_TOKENS),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    inner.train_from_iterator(_corpus(), trainer)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=inner,
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        additional_special_tokens=list(SPECIAL_TOKENS),
        padding_side="right",
    )
    tokenizer.chat_template = _CHAT_TEMPLATE
    return tokenizer


def tiny_config(tokenizer: Any, hidden: int = 128, vision_hidden: int = 64, layers: int = 2) -> EmotionQwenConfig:
    """The architecture of the real model at about one seven-thousandth of its size."""
    ids = {token: tokenizer.convert_tokens_to_ids(token) for token in SPECIAL_TOKENS}
    text = {
        "vocab_size": -(-len(tokenizer) // 64) * 64,
        "hidden_size": hidden,
        "intermediate_size": 2 * hidden,
        "num_hidden_layers": layers,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 4096,
        "rope_theta": 1_000_000.0,
        "rope_scaling": {"rope_type": "default", "mrope_section": _rope_sections(hidden // 4)},
        "bos_token_id": ids["<|endoftext|>"],
        "eos_token_id": ids["<|im_end|>"],
        "pad_token_id": ids["<|endoftext|>"],
    }
    vision = {
        "depth": 2,
        "hidden_size": vision_hidden,
        "intermediate_size": 2 * vision_hidden,
        "num_heads": 4,
        "out_hidden_size": hidden,
        "fullatt_block_indexes": [1],
        "gate_heads": 4,
        "gate_hidden": vision_hidden // 2,
    }
    return EmotionQwenConfig(
        text_config=text,
        vision_config=vision,
        tie_word_embeddings=False,
        image_token_id=ids["<|image_pad|>"],
        video_token_id=ids["<|video_pad|>"],
        vision_start_token_id=ids["<|vision_start|>"],
        vision_end_token_id=ids["<|vision_end|>"],
    )


def tiny_model(tokenizer: Any, seed: int = 0, **sizes: int) -> EmotionQwenForConditionalGeneration:
    """A tiny model with weights drawn from ``seed``; the global random state is left as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = EmotionQwenForConditionalGeneration(tiny_config(tokenizer, **sizes))
        visual = model.model.visual
        visual.emotion_merger.load_state_dict(visual.merger.state_dict())
    model.generation_config.eos_token_id = tokenizer.eos_token_id
    model.generation_config.pad_token_id = tokenizer.pad_token_id
    return model


def write_tiny(out: Path, seed: int = 0) -> None:
    """``ver checkpoint tiny OUT``: write model and tokenizer as one checkpoint folder."""
    tokenizer = tiny_tokenizer()
    tiny_model(tokenizer, seed).save_pretrained(out)
    tokenizer.save_pretrained(out)


def _rope_sections(head_width: int) -> list[int]:
    """Rotary channels for time, height and width in Qwen2.5-VL's proportion (16, 24, 24 of 64)."""
    half = head_width // 2
    time = half // 4
    rest = half - time
    return [time, rest - rest // 2, rest // 2]


def _corpus() -> list[str]:
    folder = Path(__file__).parent
    lines = (folder / "tiny_corpus.txt").read_text(encoding="utf-8").splitlines()
    lines += (folder / "data" / "tasks.yaml").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line.strip() and not line.startswith("#")] * 20
