"""Videos for tests, drawn on the spot with the packaged ffmpeg: real containers, real codecs, real damage."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from ver_pipeline.media.ffmpeg import GLOBAL_OPTIONS, ffmpeg_path

X264 = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p")


def ffmpeg(*arguments: str | Path) -> None:
    subprocess.run([ffmpeg_path(), *GLOBAL_OPTIONS, *map(str, arguments)], check=True)


def picture(duration_s: float = 5.0, size: str = "320x240", rate: str = "25") -> tuple[str, ...]:
    return ("-f", "lavfi", "-i", f"testsrc2=s={size}:r={rate}:d={duration_s}")


def tone(duration_s: float = 5.0, hz: int = 300) -> tuple[str, ...]:
    return ("-f", "lavfi", "-i", f"sine=f={hz}:d={duration_s}:r=48000")


def good(path: Path, duration_s: float = 5.0, hz: int = 300) -> Path:
    ffmpeg(*picture(duration_s), *tone(duration_s, hz), *X264, "-c:a", "aac", path)
    return path


def shots(path: Path, seconds: tuple[float, ...] = (3.0, 4.0, 3.0), rate: str = "25") -> Path:
    """Hard cuts between unlike moving frames; ``seconds`` are the shots' lengths."""
    looks = ("testsrc2", "mandelbrot", "smptehdbars", "rgbtestsrc", "life=mold=10:ratio=0.5:death_color=blue")
    inputs: list[str] = []
    graph, names = [], ""
    for i, length in enumerate(seconds):
        join = ":" if "=" in looks[i % len(looks)] else "="
        inputs += ["-f", "lavfi", "-t", str(length), "-i", f"{looks[i % len(looks)]}{join}s=320x240:r={rate}"]
        graph.append(f"[{i}:v]format=yuv420p,setsar=1,fps={rate}[v{i}]")
        names += f"[v{i}]"
    graph.append(f"{names}concat=n={len(seconds)}:v=1:a=0[v]")
    ffmpeg(*inputs, "-filter_complex", ";".join(graph), "-map", "[v]", *X264, path)
    return path


def flash_and_beep(path: Path, duration_s: int = 12) -> Path:
    """White for one frame and a beep of 40 ms at every whole second: shows whether audio and video are in step."""
    white = "geq=lum='if(lt(mod(T+0.0001,1),0.04),235,16)':cb=128:cr=128"
    flash = f"color=black:s=320x240:r=25:d={duration_s},format=yuv420p,{white}"
    beep = f"aevalsrc='if(lt(mod(t+0.0001,1),0.04),0.8*sin(2*PI*1000*t),0)':s=48000:d={duration_s}"
    ffmpeg("-f", "lavfi", "-i", flash, "-f", "lavfi", "-i", beep, *X264, "-c:a", "aac", path)
    return path


def remux(source: Path, path: Path, *options: str, before: tuple[str, ...] = ()) -> Path:
    ffmpeg(*before, "-i", source, "-c", "copy", *options, path)
    return path


def variable_rate(path: Path) -> Path:
    keep = "select='lt(n,40)+not(mod(n,3))',setpts=PTS"
    ffmpeg(*picture(6.0), *tone(6.0), "-vf", keep, "-fps_mode", "vfr", *X264, "-c:a", "aac", path)
    return path


def rotated(path: Path, source: Path, degrees: int = 90) -> Path:
    return remux(source, path, before=("-display_rotation", str(degrees)))


def ten_bit_hevc(path: Path) -> Path:
    codec = ("-c:v", "libx265", "-preset", "ultrafast", "-pix_fmt", "yuv420p10le", "-x265-params", "log-level=error")
    ffmpeg(*picture(4.0), *tone(4.0), *codec, "-tag:v", "hvc1", "-c:a", "aac", path)
    return path


def pcm_in_mkv(path: Path) -> Path:
    ffmpeg(*picture(4.0), *tone(4.0, 500), *X264, "-c:a", "pcm_s16le", path)
    return path


def silent(path: Path, duration_s: float = 4.0) -> Path:
    ffmpeg(*picture(duration_s, "256x144"), *X264, path)
    return path


def truncated(path: Path, source: Path, keep: float = 0.5) -> Path:
    data = source.read_bytes()
    path.write_bytes(data[: int(len(data) * keep)])
    return path


def encrypted(path: Path, source: Path) -> Path:
    key = ("-encryption_key", "76a6c65c5ea762046bd749a2e632ccbb", "-encryption_kid", "a7e61c373e219033c21091fa607bf3b8")
    return remux(source, path, "-encryption_scheme", "cenc-aes-ctr", *key)


AWKWARD_NAME = "a name with 'quotes', \"more\", a\nnewline and 中文.mp4"


def hostile_folder(folder: Path) -> dict[str, str]:
    """Good and bad videos side by side; returns uri -> reject reason of every bad one."""
    folder.mkdir(parents=True, exist_ok=True)
    plain = good(folder / "good.mp4")
    good(folder / AWKWARD_NAME, hz=310)
    silent(folder / "silent.mp4")
    variable_rate(folder / "variable.mp4")
    rotated(folder / "rotated.mp4", plain)
    pcm_in_mkv(folder / "pcm.mkv")
    ten_bit_hevc(folder / "hevc.mp4")
    (folder / "inner").mkdir()
    os.symlink(folder, folder / "inner" / "loop")
    (folder / "copy.mp4").write_bytes(plain.read_bytes())
    (folder / "zero.mp4").touch()
    (folder / "text.mp4").write_text("this is no video\n")
    truncated(folder / "cut-off.mp4", plain)
    silent(folder / "blink.mp4", 0.2)
    ffmpeg(*tone(2.0), "-c:a", "aac", folder / "sound.m4a")
    ffmpeg(*picture(1.0), "-frames:v", "1", folder / "still.png")
    encrypted(folder / "locked.mp4", plain)
    return {
        "good.mp4": "duplicate_source",  # copy.mp4 comes first by name
        "zero.mp4": "empty_file",
        "text.mp4": "not_media",
        "cut-off.mp4": "truncated",
        "blink.mp4": "too_short",
        "sound.m4a": "no_video",
        "still.png": "still_image",
        "locked.mp4": "encrypted",
    }
