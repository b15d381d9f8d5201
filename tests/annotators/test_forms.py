"""Each family of models is sent frames, video and audio in the form that its servers document."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import videos
from server_kit import QUICK, make_server

from ver_pipeline.annotators.backends.forms import FORMS, form_of
from ver_pipeline.annotators.backends.openai import OpenAIAnnotator
from ver_pipeline.annotators.canaries.check import check
from ver_pipeline.annotators.teacher.chat import Chat
from ver_pipeline.schemas.errors import ConfigError

OMNI = "Qwen/Qwen2.5-Omni-7B"


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return videos.good(tmp_path_factory.mktemp("film") / "film.mp4", 4.0)


def kinds(film: Path, **options: Any) -> list[str]:
    """The parts of the message about a clip."""
    annotator = OpenAIAnnotator({"n_frames": 2, "base_url": "http://x/v1", **options})
    chat = Chat("p/1.en", "s", "u", {}, {"temperature": 0, "top_p": 1, "max_new_tokens": 9, "seed": 0}, str(film), 4.0)
    return [part["type"] for part in annotator.payload(chat)["messages"][1]["content"]]


@pytest.mark.parametrize(
    ("model", "options", "sent"),
    [
        ("Qwen/Qwen2.5-VL-7B-Instruct", {}, ["image_url", "image_url", "text"]),
        ("Qwen/Qwen2.5-VL-7B-Instruct", {"send": "video"}, ["video_url", "text"]),
        ("Qwen/Qwen3-VL-8B-Instruct", {}, ["image_url", "image_url", "text"]),
        ("Qwen/Qwen3-VL-8B-Instruct", {"send": "video"}, ["video_url", "text"]),
        (OMNI, {}, ["image_url", "image_url", "text"]),
        (OMNI, {"hears": True}, ["image_url", "image_url", "input_audio", "text"]),
        (OMNI, {"send": "video", "hears": True}, ["video_url", "input_audio", "text"]),
        ("another", {"send": "video", "hears": True}, ["video_url", "text"]),
    ],
)
def test_a_clip_is_sent_in_the_form_of_the_models_family(
    model: str, options: dict[str, Any], sent: list[str], film: Path
) -> None:
    assert kinds(film, model=model, **options) == sent


@pytest.mark.parametrize("family", [form.family for form in FORMS if form.sound == "none"])
def test_a_family_without_ears_cannot_be_set_to_hear(family: str) -> None:
    with pytest.raises(ConfigError, match="take no audio"):
        OpenAIAnnotator({"model": f"me/{family}-7B", "send": "video", "hears": True})


@pytest.mark.parametrize("send", ["frames", "video"])
def test_an_omni_model_hears_where_the_server_takes_no_audio_out_of_a_video(send: str) -> None:
    with make_server(1) as server:
        server.sound_in_video = False
        heard = {}
        for model in (OMNI, "another"):
            told = {"model": model, "base_url": server.base_url, "send": send, "hears": True, **QUICK, "timeout_s": 30}
            annotator = OpenAIAnnotator(told)
            annotator.open()
            heard[model] = check(annotator).hearing.state
    assert heard == {OMNI: "proven", "another": "refused" if send == "video" else "unproven"}


def test_a_clip_without_audio_is_sent_without_any(tmp_path: Path) -> None:
    videos.ffmpeg(*videos.picture(2.0), *videos.X264, tmp_path / "mute.mp4")
    assert kinds(tmp_path / "mute.mp4", model=OMNI, hears=True) == ["image_url", "image_url", "text"]


def test_a_fine_tuned_model_is_known_by_the_name_of_its_folder() -> None:
    assert form_of("/models/my_Qwen3_VL_8b_tuned").family == "qwen3-vl"
