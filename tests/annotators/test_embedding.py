"""Texts compared by an embedding checkpoint: a tiny BERT with random weights, built here."""

from __future__ import annotations

import shutil
import string
from pathlib import Path

import pytest
from teacher_kit import make_request

from ver_pipeline.annotators.agreement.embedding import TextEmbedding
from ver_pipeline.annotators.agreement.named_cues import cue_overlap
from ver_pipeline.annotators.agreement.votes import agreement, en_zh_agreement
from ver_pipeline.annotators.cues.annotator import annotate_one
from ver_pipeline.schemas.config import AnnotateConfig
from ver_pipeline.schemas.errors import MissingModelError
from ver_pipeline.stages.annotate import AnnotateStage

TEXTS = ("The corners of the mouth turn down.", "A loud voice is heard.")


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint folder as transformers writes it."""
    import torch
    from transformers import BertConfig, BertModel, BertTokenizerFast

    torch.set_num_threads(1)
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("embedding")
    letters = string.ascii_lowercase + string.punctuation
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters, *(f"##{c}" for c in string.ascii_lowercase)]
    (folder / "vocab.txt").write_text("\n".join(vocabulary), encoding="utf-8")
    BertTokenizerFast(vocab_file=str(folder / "vocab.txt")).save_pretrained(folder)
    shape = BertConfig(vocab_size=len(vocabulary), hidden_size=32, num_hidden_layers=2, num_attention_heads=2,
                       intermediate_size=64, max_position_embeddings=96)  # fmt: skip
    BertModel(shape).eval().save_pretrained(folder)
    return folder


def test_equal_texts_are_alike_and_others_less_the_same_every_time(checkpoint: Path) -> None:
    first, second = TextEmbedding(checkpoint), TextEmbedding(checkpoint)
    assert first.similarity(TEXTS[0], TEXTS[0]) == 1.0
    other = first.similarity(*TEXTS)
    assert 0.0 <= other < 1.0
    assert second.similarity(*TEXTS) == second.similarity(*reversed(TEXTS)) == other
    assert first.similarity("word " * 500, "word " * 500) == 1.0  # longer than the model's context


def test_vectors_are_the_mean_over_the_tokens_of_the_prefixed_text(checkpoint: Path) -> None:
    import torch
    from transformers import BertModel, BertTokenizerFast

    tokenizer, model = BertTokenizerFast.from_pretrained(checkpoint), BertModel.from_pretrained(checkpoint)
    means = []
    with torch.no_grad():
        for text in TEXTS:
            means.append(model(**tokenizer("query: " + text, return_tensors="pt")).last_hidden_state.mean(1))
    by_hand = float(torch.nn.functional.cosine_similarity(*means))
    assert TextEmbedding(checkpoint).similarity(*TEXTS) == pytest.approx(max(0.0, by_hand), abs=1e-4)


def test_agreement_uses_the_embedding_where_given_and_the_overlap_where_not(checkpoint: Path) -> None:
    similarity = TextEmbedding(checkpoint).similarity
    one = annotate_one(make_request(0))
    other = {**one, "observations": [{**one["observations"][0], "text_en": TEXTS[1]}]}
    plain, embedded = agreement(one, [other], []), agreement(one, [other], [], similarity=similarity)
    whole = " ".join(seen["text_en"] for seen in one["observations"])
    assert embedded["reasoning_similarity"] == similarity(whole, TEXTS[1]) != plain["reasoning_similarity"]
    assert agreement(one, [one], [], similarity=similarity)["reasoning_similarity"] == 1.0
    description = one["description"]
    text, cues = similarity(description["en"], description["zh"]), cue_overlap(description["en"], description["zh"])
    assert cues is not None
    assert (embedded["en_zh_agreement"], plain["en_zh_agreement"]) == pytest.approx(
        ((1.0 + cues + text) / 3, (1.0 + cues) / 2), abs=1e-4
    )
    assert en_zh_agreement({"en": "A table.", "zh": "一张桌子。"}) is None


def test_fingerprint_follows_the_files_and_not_their_place(checkpoint: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(checkpoint, copy)
    one, two = (AnnotateStage(AnnotateConfig(embedding=str(folder))).fingerprint() for folder in (checkpoint, copy))
    assert one == two
    assert {"config.json", "model.safetensors", "tokenizer.json"} <= set(one["embedding"])
    assert "embedding" not in AnnotateStage(AnnotateConfig()).fingerprint()
    weights = copy / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-4] + b"\0\0\0\1")
    assert AnnotateStage(AnnotateConfig(embedding=str(copy))).fingerprint() != one


def test_a_folder_without_a_checkpoint_is_named(tmp_path: Path) -> None:
    with pytest.raises(MissingModelError, match=r"annotate\.embedding"):
        AnnotateStage(AnnotateConfig(embedding=str(tmp_path)))
