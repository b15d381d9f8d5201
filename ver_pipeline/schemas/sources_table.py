"""The table ``sources`` of the catalog: every column with its type and one line of meaning."""

from __future__ import annotations

from ver_pipeline.schemas.columns import Table, columns

SOURCES = Table(
    "sources",
    "One row a raw video that was read.",
    ("source_id",),
    columns("""
source_id         string  sha256 of the video's bytes
uri               string  where it lay
group_id          string  videos that must not be split over train and test share it
title             string  title, where given
collection        string  kind of footage, where given
speakers          strings who speaks in it, as its sidecar or row says; the names hold over all videos
license           string  SPDX id or LicenseRef-*
rights_basis      string  own, consented, licensed, research-exception or unknown
consent           string  explicit, platform-terms, none or unknown
duration_s        float   length of the video
fps               float   frames per second (mean where variable)
variable_fps      bool    the frame rate varies
width             int     pixels, as stored
height            int     pixels, as stored
rotation_deg      int     turn to show it upright
container         string  container format
video_codec       string  codec of the video
pixel_format      string  pixel format of the frame
audio_codec       string  codec of the audio; null when there is none
sample_rate_hz    int     sample rate of the audio
audio_channels    int     channels of the audio
audio_track       int     the audio track that is used, counted from 0; null where none is usable
audio_tracks      int     audio tracks of the video
audio_language    string  what the container says of the used track
video_start_s     float   when the first whole frame comes
field_order       string  what the frames show: progressive, tff or bff
telecined         bool    24 frames a second, spread over fields by pulldown
color_transfer    string  transfer function: smpte2084 and arib-std-b67 are high dynamic range
color_primaries   string  primaries, where named
color_matrix      string  YCbCr matrix, where named
full_range        bool    black is 0 and not 16
"""),
)
