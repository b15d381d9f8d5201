"""Which containers are read: only those whose demuxer reads the file it is given and never opens another by name.

What is not listed here is refused, so a demuxer that a later ffmpeg brings is refused until somebody has looked at
it.  Left out on purpose, because they open what their text or their file's name says: hls, dash, concat, image2, imf,
sdp, rtsp, rtp, sap, webm_dash_manifest, vobsub, mlv, dvdvideo, avisynth, vapoursynth, lavfi and all devices.
"""

from __future__ import annotations

from collections.abc import Mapping

VIDEOS: Mapping[str, str] = {
    "mov,mp4,m4a,3gp,3g2,mj2": "MP4, QuickTime, 3GP, fragmented MP4 (.mp4 .m4v .mov .3gp)",
    "matroska,webm": "Matroska and WebM (.mkv .webm)",
    "avi": "AVI (.avi)",
    "mpegts": "MPEG transport stream (.ts .mts .m2ts)",
    "mpeg": "MPEG program stream and DVD video objects (.mpg .vob)",
    "asf": "Windows Media (.wmv .asf)",
    "flv": "Flash Video (.flv)",
    "ogg": "Ogg (.ogv .ogg)",
    "mxf": "MXF (.mxf)",
    "gxf": "GXF (.gxf)",
    "nut": "NUT (.nut)",
    "rm": "RealMedia (.rm .rmvb)",
    "dv": "DV (.dv)",
    "wtv": "Windows Recorded TV (.wtv)",
    "nsv": "Nullsoft Video (.nsv)",
    "nuv": "NuppelVideo (.nuv)",
    "dhav": "Dahua recorders (.dav)",
    "ivf": "IVF (.ivf)",
    "yuv4mpegpipe": "YUV4MPEG (.y4m)",
    "gif": "GIF with several frames (.gif)",
    "apng": "PNG with several frames (.apng)",
    "h264": "raw H.264 (.h264 .264)",
    "hevc": "raw H.265 (.hevc .265)",
    "vvc": "raw H.266 (.vvc)",
    "obu": "raw AV1 (.obu)",
    "av1": "raw AV1, Annex B (.obu)",
    "mpegvideo": "raw MPEG-1 and MPEG-2 video (.m2v)",
    "m4v": "raw MPEG-4 video (.m4v)",
    "h263": "raw H.263 (.h263)",
    "vc1": "raw VC-1 (.vc1)",
    "vc1test": "VC-1 test stream (.rcv)",
    "dirac": "raw Dirac (.drc)",
    "cavsvideo": "raw AVS (.cavs)",
    "mjpeg": "raw Motion JPEG (.mjpg)",
}
"""Demuxer (libavformat's name of it) to what it reads."""

SOUND = (
    "mp3", "aac", "flac", "wav", "w64", "aiff", "caf", "au", "amr", "ac3", "eac3", "dts", "truehd", "ape", "wv", "tta",
    "tak", "dsf", "mpc", "mpc8",
)  # fmt: skip
"""Read so that they are told as what they are: no video, because they hold no frame."""

STILLS = (
    "png_pipe", "jpeg_pipe", "jpegls_pipe", "jpegxl_pipe", "j2k_pipe", "webp_pipe", "bmp_pipe", "tiff_pipe", "qoi_pipe",
    "ppm_pipe", "pgm_pipe", "pgmyuv_pipe", "pbm_pipe", "pam_pipe", "pcx_pipe", "psd_pipe", "dds_pipe", "dpx_pipe",
    "exr_pipe", "hdr_pipe", "sgi_pipe", "sunrast_pipe", "ico",
)  # fmt: skip
"""Single frames by their bytes (never by a name with a pattern in it): no video, but an image to a model."""

FORMAT_WHITELIST = ",".join((*VIDEOS, *SOUND, *STILLS))
"""libavformat's option of that name."""
