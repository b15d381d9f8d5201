"""Files that name other files instead of holding a video, in every way that ffmpeg follows."""

from __future__ import annotations

import shutil
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import videos

HEADER = "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:3\n"
"""How an HLS playlist begins."""


@contextmanager
def server(folder: Path) -> Iterator[tuple[str, list[str]]]:
    """A server of the files in ``folder`` on the loopback: its address, and what it was asked for so far."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            file = folder / Path(self.path).name
            data = file.read_bytes() if file.is_file() else b""
            self.send_response(200 if data else 404)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_HEAD = do_GET

        def log_message(self, format: str, *args: object) -> None:
            return None

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as serving:
        thread = threading.Thread(target=serving.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{serving.server_port}", asked
        finally:
            serving.shutdown()
            thread.join()


def secret_videos(folder: Path) -> Path:
    """Videos that nobody gave: ``secret.mp4``, ``.ts``, fragmented ``.m4s`` with ``init.mp4``, ``.mkv``."""
    folder.mkdir()
    video = videos.good(folder / "secret.mp4", 3.0)
    videos.remux(video, folder / "secret.ts")
    videos.remux(video, folder / "secret.mkv")
    hls = ("-f", "hls", "-hls_segment_type", "fmp4", "-hls_time", "9", "-hls_segment_filename", folder / "s%d.m4s")
    videos.ffmpeg("-i", video, "-c", "copy", *hls, folder / "own.m3u8")
    return folder


def texts(secret: Path, address: str) -> dict[str, str]:
    """Playlists by name; ``secret`` is a folder outside the source folder, ``address`` a server of it."""
    port = address.rpartition(":")[2]
    end = "#EXT-X-ENDLIST\n"

    def hls(uri: object, before: str = "", after: str = end) -> str:
        return f"{HEADER}{before}#EXTINF:3.0,\n{uri}\n{after}"

    def dash(base: object) -> str:
        return (
            '<?xml version="1.0"?>\n<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" '
            'mediaPresentationDuration="PT3S" minBufferTime="PT1S" '
            'profiles="urn:mpeg:dash:profile:isoff-on-demand:2011"><Period><AdaptationSet mimeType="video/mp4">'
            f'<Representation id="1" bandwidth="1"><BaseURL>{base}</BaseURL></Representation>'
            "</AdaptationSet></Period></MPD>\n"
        )

    key = f'#EXT-X-KEY:METHOD=AES-128,URI="{address}/key",IV=0x0\n'
    return {
        "absolute.m3u8": hls(secret / "secret.ts"),
        "file-address.m3u8": hls((secret / "secret.ts").as_uri()),
        "climbing.m3u8": hls(f"../{secret.name}/secret.ts"),
        "http.m3u8": hls(f"{address}/secret.ts"),
        "live.m3u8": hls(f"{address}/secret.ts", after=""),
        "live-local.m3u8": hls(secret / "secret.ts", after=""),
        "master.m3u8": f"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n{address}/own.m3u8\n",
        "map.m3u8": hls(secret / "s0.m4s", f'#EXT-X-MAP:URI="{secret / "init.mp4"}"\n'),
        "key.m3u8": hls(secret / "secret.ts", key),
        "crypto.m3u8": hls(f"crypto:{secret / 'secret.ts'}"),
        "another-name.mp4": hls(secret / "secret.ts"),
        "another-name.ts": hls(secret / "secret.ts"),
        "mark.m3u8": "\ufeff" + hls(secret / "secret.ts"),
        "blank.m3u8": "\n\n  \n" + hls(secret / "secret.ts"),
        "names.m3u": f"{address}/secret.ts\n",
        "absolute.mpd": dash(secret / "secret.mp4"),
        "http.mpd": dash(f"{address}/secret.mp4"),
        "dash.mp4": dash(f"{address}/secret.mp4"),
        "list.ffconcat": f"ffconcat version 1.0\nfile '{secret / 'secret.mp4'}'\n",
        "list.mkv": f"ffconcat version 1.0\nfile '../{secret.name}/secret.mkv'\n",
        "options.ffconcat": f"ffconcat version 1.0\nfile '{address}/secret.ts'\noption protocol_whitelist http,tcp\n",
        "subfile.ffconcat": f"ffconcat version 1.0\nfile 'subfile,,start,0,end,0,,:{secret / 'secret.mp4'}'\n",
        "bare.ffconcat": f"file '{secret / 'secret.mp4'}'\n",
        "session.sdp": f"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video {port} RTP/AVP 33\n",
        "list.pls": f"[playlist]\nFile1={address}/secret.ts\nNumberOfEntries=1\n",
        "list.asx": f'<asx version="3.0"><entry><ref href="{address}/secret.ts"/></entry></asx>\n',
        "list.wmv": f"[Reference]\nRef1={address}/secret.ts\n",
        "link.mov": f"RTSPtext\nrtsp://127.0.0.1:{port}/secret\n",
        "list.xspf": "<?xml version='1.0'?><playlist><trackList><track>"
        f"<location>{address}/secret.ts</location></track></trackList></playlist>\n",
        "composition.xml": '<?xml version="1.0"?><CompositionPlaylist xmlns="x"><Id>1</Id></CompositionPlaylist>\n',
        "index.idx": "# VobSub index file, v7 (do not modify this line!)\nsize: 720x576\n",
    }


def write_all(folder: Path, secret: Path, address: str) -> list[Path]:
    """Every hostile file under a source folder: the texts, and videos whose tracks lie elsewhere."""
    folder.mkdir(exist_ok=True)
    for name, text in texts(secret, address).items():
        (folder / name).write_text(text, encoding="utf-8")
    (folder / "wide.m3u8").write_text(texts(secret, address)["absolute.m3u8"], encoding="utf-16")
    video = secret / "secret.mp4"
    (folder / "alias.mov").write_bytes(with_reference(video.read_bytes(), alias_box(video)))
    (folder / "alias-flagged.mov").write_bytes(with_reference(video.read_bytes(), alias_box(video, flags=1)))
    (folder / "url.mp4").write_bytes(with_reference(video.read_bytes(), url_box(f"{address}/secret.mp4")))
    (folder / "whole.mov").write_bytes(whole_reference(f"{address}/secret.mp4"))
    (folder / "packed.mov").write_bytes(packed(with_reference(video.read_bytes(), alias_box(video))))
    return sorted(path for path in folder.iterdir() if path.is_file())


HOSTILE_NAMES = (
    "concat:a.mp4", "concat:a.mp4|b.mp4", "http:,,127.0.0.1:1,a.mp4", "subfile,,start,0,end,0,,:a.mp4", "-i.mp4", "-",
    "crypto:a.mp4", "data:video,a.mp4", "file:a.mp4", "pipe:0", "fd:", "cache:a.mp4", "a%03d.mp4", "a*.mp4",
    "{a,b}.mp4", "film.jpg", "film.png", "film.m3u8", "film.txt", "film",
)  # fmt: skip
"""Names with a meaning to ffmpeg; ``/`` is left out, as no file name holds one."""


def named_videos(folder: Path, video: Path) -> list[Path]:
    """One video under each of the hostile names."""
    folder.mkdir()
    return [Path(shutil.copy(video, folder / name)) for name in HOSTILE_NAMES]


def box(kind: bytes, content: bytes) -> bytes:
    """An ISO box."""
    return struct.pack(">I4s", 8 + len(content), kind) + content


def url_box(place: str) -> bytes:
    """A data reference by address."""
    return box(b"url ", bytes(4) + place.encode() + b"\0")


def alias_box(path: Path, flags: int = 0) -> bytes:
    """A data reference by Macintosh alias, as libavformat reads it."""
    name = path.name.encode()
    record = bytes(10) + bytes([4]) + b"disk".ljust(27, b"\0") + bytes(12) + bytes([len(name)]) + name.ljust(63, b"\0")
    record += bytes(16) + struct.pack(">hh", 1, 1) + bytes(16)
    place = str(path).encode()
    place += b"\0" * (len(place) % 2)
    record += struct.pack(">HH", 2, len(place)) + place + struct.pack(">HH", 0xFFFF, 0)
    return box(b"alis", struct.pack(">I", flags) + record)


def with_reference(video: bytes, reference: bytes) -> bytes:
    """The video (its header behind its media, as ffmpeg writes it) with every track's media in another file."""
    out, at = b"", 0
    while at < len(video):
        size, kind = struct.unpack_from(">I4s", video, at)
        content = video[at + 8 : at + size]
        if kind in (b"moov", b"trak", b"mdia", b"minf", b"dinf"):
            content = with_reference(content, reference)
        elif kind == b"dref":
            content = struct.pack(">II", 0, 1) + reference
        out += box(kind, content)
        at += size
    return out


def whole_reference(place: str) -> bytes:
    """A movie that is nothing but a reference to another."""
    data = b"url " + struct.pack(">I", len(place) + 1) + place.encode() + b"\0"
    return box(b"ftyp", b"qt  \0\0\0\0qt  ") + box(b"moov", box(b"rmra", box(b"rmda", box(b"rdrf", bytes(4) + data))))


def packed(video: bytes) -> bytes:
    """The video with a compressed header."""
    import zlib

    at = video.rindex(b"moov") - 4
    header = video[at:]
    inner = box(b"dcom", b"zlib") + box(b"cmvd", struct.pack(">I", len(header)) + zlib.compress(header))
    return video[:at] + box(b"moov", box(b"cmov", inner))
