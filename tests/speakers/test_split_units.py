"""With ``split_by: speaker`` nobody speaks in two splits."""

from __future__ import annotations

import random
from typing import Any

import pytest

from ver_pipeline.schemas.config import ShardConfig
from ver_pipeline.schemas.split import split_of, split_units
from ver_pipeline.stages.ingest import named_speakers

BY_SPEAKER = ShardConfig(split_by="speaker", val_frac=0.3, test_frac=0.3)


def video(name: str, *speakers: str, group: str | None = None) -> dict[str, Any]:
    return {"id": name, "group_id": group or name, "speakers": list(speakers)}


def drawn(seed: int) -> list[dict[str, Any]]:
    chance = random.Random(seed)
    people = [f"p{i}" for i in range(40)]
    return [
        video(f"v{i}", *chance.sample(people, chance.choice([0, 1, 1, 2])), group=f"g{chance.randrange(60)}")
        for i in range(80)
    ]


@pytest.mark.parametrize("seed", range(20))
def test_no_speaker_and_no_group_is_in_two_splits_whatever_the_order(seed: int) -> None:
    videos = drawn(seed)
    units = split_units(videos, BY_SPEAKER)
    splits: dict[str, set[str]] = {}
    for one in videos:
        for name in (f"group {one['group_id']}", *(f"speaker {s}" for s in one["speakers"])):
            splits.setdefault(name, set()).add(split_of(units[one["id"]]["name"], BY_SPEAKER))
    assert all(len(found) == 1 for found in splits.values())
    random.Random(seed).shuffle(videos)
    assert split_units(videos, BY_SPEAKER) == units


def test_by_group_the_same_videos_do_tear_speakers_apart() -> None:
    config = BY_SPEAKER.model_copy(update={"split_by": "group"})
    torn = 0
    for seed in range(20):
        videos = drawn(seed)
        units = split_units(videos, config)
        for person in {s for one in videos for s in one["speakers"]}:
            torn += len({split_of(units[v["id"]]["name"], config) for v in videos if person in v["speakers"]}) > 1
    assert torn > 20


def test_a_video_without_named_speakers_stays_where_its_group_is() -> None:
    videos = [video("a"), video("b", group="show"), video("c", "Ann"), video("d", "Ann", "Bo"), video("e", "Bo")]
    units = split_units(videos, BY_SPEAKER)
    assert [units[name]["name"] for name in "ab"] == ["a", "show"]
    assert units["c"] == units["d"] == units["e"] == {"name": "c", "groups": ["c", "d", "e"]}


@pytest.mark.parametrize(
    ("told", "names"), [("Ann", ("Ann",)), (" Bo ; Ann;Bo;", ("Ann", "Bo")), (7, ("7",)), (None, ()), ("", ())]
)
def test_a_sidecar_names_one_speaker_or_several(told: Any, names: tuple[str, ...]) -> None:
    assert named_speakers(told) == names
