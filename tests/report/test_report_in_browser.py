"""The report in a real browser: opens from a file with the network off, complains of nothing, plays."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from browser import Browser
from factory import make_records
from published import publish

from ver_pipeline import open_dataset
from ver_pipeline.report.page import write_report

pytestmark = pytest.mark.browser

ARTIFACTS = Path(os.environ.get("VER_TEST_ARTIFACTS", Path(__file__).parents[2] / "artifacts"))
N = 40


@pytest.fixture(scope="module")
def video() -> bytes:
    """Two seconds of moving colour with audio."""
    import imageio_ffmpeg

    command = [
        imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-f", "lavfi", "-i", "testsrc2=s=320x180:r=25:d=2",
        "-f", "lavfi", "-i", "sine=f=330:d=2", "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p",
        "-c:a", "aac", "-movflags", "frag_keyframe+empty_moov", "-f", "mp4", "-",
    ]  # fmt: skip
    return subprocess.run(command, check=True, capture_output=True).stdout


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory, video: bytes) -> Path:
    folder = tmp_path_factory.mktemp("report")
    publish(folder, make_records(N), video=video)
    return folder


@pytest.fixture(scope="module")
def page(out: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    return write_report(out, tmp_path_factory.mktemp("page") / "report.html").as_uri()


@pytest.fixture(scope="module")
def browser():
    with Browser() as opened:
        yield opened


def test_it_opens_from_a_file_without_network_and_without_complaint(browser: Browser, page: str) -> None:
    browser.resize(1200, 900)
    browser.open(page)
    browser.evaluate("document.querySelector('#gallery').scrollIntoView(); null")
    assert browser.complaints() == []
    assert browser.requests() == [page]
    assert browser.evaluate("document.title") == "VER-style data set"


def test_its_figures_are_those_of_the_sql(browser: Browser, page: str, out: Path) -> None:
    browser.open(page)
    shown = browser.evaluate(
        "Object.fromEntries([...document.querySelectorAll('.big b')].map(b => [b.dataset.figure, b.innerText]))"
    )
    with open_dataset(out) as data:
        ((samples, hours, videos),) = data.sql(
            "SELECT count(*), sum(duration_s) / 3600, count(DISTINCT source_id) FROM samples"
        ).rows()
        ((rejects,),) = data.sql("SELECT count(*) FROM rejects").rows()
        by_label = [row["n"] for row in data.sql("@class-balance").dicts()]
    assert shown["totals.samples"] == str(samples) == str(N)
    assert shown["totals.hours"] == f"{hours:.2f}"
    assert shown["totals.videos"] == str(videos)
    assert shown["totals.rejects"] == str(rejects)
    bars = browser.evaluate(
        "[...document.querySelectorAll('[data-figure=labels]')].map(n => parseInt(n.firstChild.data))"
    )
    assert bars == by_label


def test_one_language_is_shown_at_a_time_and_the_switch_changes_it(browser: Browser, page: str) -> None:
    browser.open(page + "?lang=en")
    visible = "[...document.querySelectorAll('h1 span')].filter(s => s.offsetWidth > 0).map(s => s.innerText)"
    assert browser.evaluate(visible) == ["What this data set holds"]
    browser.evaluate("document.getElementById('lang').click(); null")
    assert browser.evaluate(visible) == ["数据集里有什么"]
    missing = (
        "[...document.querySelectorAll('main .en')].filter(e => !e.parentElement.querySelector(':scope > .zh')).length"
    )
    assert browser.evaluate(missing) == 0
    assert browser.complaints() == []


def test_light_and_dark_differ_and_both_can_be_read(browser: Browser, page: str) -> None:
    contrast = """(() => {
        const light = c => { const [r, g, b] = c.match(/[\\d.]+/g).slice(0, 3).map(v => (v / 255) ** 2.2);
                             return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
        const style = getComputedStyle(document.body);
        const [a, b] = [light(style.color), light(style.backgroundColor)];
        return [style.backgroundColor, (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)];
    })()"""
    found = []
    for theme in ("light", "dark"):
        browser.open(f"{page}?theme={theme}")
        found.append(browser.evaluate(contrast))
    assert found[0][0] != found[1][0]
    assert min(ratio for _, ratio in found) > 7


def test_a_phone_scrolls_in_one_direction_only(browser: Browser, page: str) -> None:
    browser.resize(390, 844, phone=True)
    for lang in ("en", "zh"):
        browser.open(f"{page}?lang={lang}")
        assert browser.evaluate("document.documentElement.scrollWidth") <= 390
    browser.resize(1200, 900)


def test_the_gallery_plays_and_evidence_jumps_to_its_time(browser: Browser, page: str) -> None:
    browser.open(page)
    assert browser.evaluate("document.querySelectorAll('.card').length") > 12
    browser.evaluate("""(() => {
        const card = [...document.querySelectorAll('.card')].find(c => c.querySelector('video'));
        window.video = card.querySelector('video');
        const mark = card.querySelector('.seek');
        mark.dataset.t = '0.800';
        mark.click();
    })()""")
    browser.wait_for("video.currentTime > 0.9")
    assert browser.evaluate("video.videoWidth") == 320
    assert browser.evaluate("document.querySelector('.time.playing') !== null")
    browser.evaluate("[...document.querySelectorAll('.chip')][1].click(); null")
    shown = browser.evaluate(
        "[...new Set([...document.querySelectorAll('.card:not([hidden])')].map(c => c.dataset.label))]"
    )
    assert len(shown) == 1


@pytest.mark.parametrize(
    ("name", "query", "size"),
    [
        ("report-light-en", "?theme=light&lang=en", (1200, 5200)),
        ("report-dark-zh", "?theme=dark&lang=zh", (1200, 5200)),
        ("report-phone-zh", "?theme=light&lang=zh", (390, 6000)),
    ],
)
def test_a_frame_of_it_is_kept(browser: Browser, page: str, name: str, query: str, size: tuple[int, int]) -> None:
    browser.resize(size[0], 900, phone=size[0] < 500)
    browser.open(page + query)
    data = browser.screenshot(ARTIFACTS / f"{name}.png", size[1])
    assert data.startswith(b"\x89PNG") and len(data) > 50_000
