"""Put the report together: one HTML file that needs nothing else."""

from __future__ import annotations

import base64
import hashlib
import json
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Any

from ver_pipeline.catalog.dataset import open_dataset
from ver_pipeline.report import charts, expectations, findings
from ver_pipeline.report.charts import Markup, colour, figure_of, number, say
from ver_pipeline.report.figures import Figures, Row, collect
from ver_pipeline.report.gallery import MEDIA_BUDGET_BYTES, Exhibit, choose, gallery
from ver_pipeline.report.words import LANGUAGE_NAMES, MODALITIES, SPLITS, TIERS, label_name, named, reason_meaning

REPORT_NAME = "report.html"
ACCENT = "var(--accent)"
SECTIONS = ("emotions", "shape", "funnel", "trust", "cost", "lineage", "gallery")


def write_report(out_dir: Path, output: Path | None = None, media_budget_bytes: int = MEDIA_BUDGET_BYTES) -> Path:
    """Write the page of the data set in ``out_dir`` (default: into it) and return its path."""
    with open_dataset(out_dir) as data:
        figures = collect(data)
        exhibits = choose(data, media_budget_bytes)
        text = page(data.manifest, figures, expectations.read_results(Path(out_dir), data.manifest), exhibits)
    path = output or Path(out_dir) / REPORT_NAME
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def page(manifest: dict[str, Any], figures: Figures, results: list[Row], exhibits: list[Exhibit]) -> str:
    """The whole page.  The policy in its head lets it load nothing and run no script but its own."""
    script = files(__package__).joinpath("page.js").read_text("utf-8")
    style = files(__package__).joinpath("page.css").read_text("utf-8")
    script_hash = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    allowed = "img-src data:; media-src data:; style-src 'unsafe-inline'"
    policy = f"default-src 'none'; {allowed}; script-src 'sha256-{script_hash}'"
    body = "".join(
        f'<section id="{name}">{content}</section>'
        for name, content in (
            ("emotions", _emotions(figures)),
            ("shape", _shape(figures)),
            ("funnel", _funnel(manifest, figures)),
            ("trust", _trust(figures, results)),
            ("cost", _cost(figures)),
            ("lineage", _lineage(manifest, figures)),
            ("gallery", _gallery(exhibits)),
        )
    )
    links = "".join(f'<a href="#{name}">{say(name)}</a>' for name in SECTIONS)
    return (
        '<!doctype html><html lang="en" data-lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f'<title>VER-style data set</title><link rel="icon" href="data:,"><style>{style}</style></head><body>'
        f'<div class="tools"><button id="theme">{say("theme")}</button><button id="lang">中文</button></div>'
        f"<header><div>{_top(figures)}</div></header><nav><div>{links}</div></nav><main>{body}"
        f"<footer>{say('check_it')}</footer></main>{_data(figures)}<script>{script}</script></body></html>\n"
    )


def _data(figures: Figures) -> str:
    """The figures once more, for programs; ``<`` is escaped so that no text can end the element."""
    text = json.dumps(figures, ensure_ascii=False, sort_keys=True, default=str).replace("<", "\\u003c")
    return f'<script type="application/json" id="figures">{text}</script>'


def _top(figures: Figures) -> str:
    t = figures["totals"][0]
    n = t["samples"]
    tiles = [
        ("samples", number(n), n),
        ("hours", number(t["hours"], 2 if t["hours"] < 100 else 0), t["hours"]),
        ("videos", number(t["videos"]), t["videos"]),
        ("languages", number(sum(row["language"] not in ("und", "mixed") for row in figures["languages"])), None),
        ("rejects", number(t["rejects"]), t["rejects"]),
        ("agreement", _percent(t["label_agreement"]), t["label_agreement"]),
        ("with_faces", _percent(t["with_faces"] / n if n else None), t["with_faces"]),
        ("with_speech", _percent(t["with_speech"] / n if n else None), t["with_speech"]),
        ("reviewed", _percent(t["reviewed"] / n if n else None), t["reviewed"]),
    ]
    cells = "".join(
        f"<div><b {figure_of('totals.' + name, '' if value is None else value)}>{shown}</b>"
        f"<span>{say(name)}</span></div>"
        for name, shown, value in tiles
    )
    return (
        f'<h1>{say("title")}</h1><p class="lead">{say("subtitle")}</p>'
        f'{charts.ribbon(figures["labels"])}<div class="big">{cells}</div>'
    )


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.0f}%"


def _emotions(figures: Figures) -> str:
    labels = [row["label"] for row in figures["labels"]]
    words = charts.words_cloud(figures["open_words"])
    drawn = charts.plane(figures["plane"])
    bars = charts.bars([(label_name(r["label"]), r["n"], colour(r["label"])) for r in figures["labels"]], "labels")
    counts = {(row["one"], row["other"]): row["n"] for row in figures["together"]}
    return (
        f"{_heading('emotions')}<div class='grid2'><div class='panel'>{bars}</div>"
        f"<div class='panel'><h3>{say('plane')}</h3>{drawn}<p class='note'>{say('plane_note')}</p>"
        "</div></div>"
        f"<div class='grid2 gap'><div class='panel'>{_heading('together', 3)}"
        f"{charts.matrix(labels, counts, 'together')}</div>"
        f"<div class='panel'>{_heading('intensity', 3)}{charts.intensities(figures['intensity'], labels)}</div></div>"
        f"<div class='panel gap'>{_heading('open_words', 3)}{words}</div>"
    )


def _heading(name: str, level: int = 2) -> str:
    from ver_pipeline.report.words import WORDS

    note = f'<p class="note">{say(name + "_note")}</p>' if name + "_note" in WORDS else ""
    return f"<h{level}>{say(name)}</h{level}>{note}"


def _shape(figures: Figures) -> str:
    def simple(query: str, column: str, names: dict[str, tuple[str, str]]) -> str:
        return charts.bars([(named(names, row[column]), row["n"], ACCENT) for row in figures[query]], query)

    parts = [
        ("duration", charts.histogram(figures["durations"], 1, "durations")),
        ("words", charts.histogram(figures["words"], 5, "words")),
        ("faces", charts.histogram(figures["faces"], 1, "faces")),
        ("agree", charts.histogram(figures["agreement"], 10, "agreement", (0, 90))),
        ("spoken", simple("languages", "language", LANGUAGE_NAMES)),
        ("evidence", simple("evidence", "modality", MODALITIES)),
        ("splits", simple("splits", "split", SPLITS)),
        ("tiers", simple("tiers", "tier", TIERS)),
        ("marks", simple("agreement_tiers", "mark", {})),
    ]
    return (
        _heading("shape")
        + '<div class="grid3">'
        + "".join(f"<div class='panel'><h3>{say(name)}</h3>{drawing}</div>" for name, drawing in parts)
        + "</div>"
    )


def _funnel(manifest: dict[str, Any], figures: Figures) -> str:
    counts = manifest["counts"]
    whole = [(row, row["n"] - row["clips"]) for row in figures["rejects"] if row["n"] > row["clips"]]
    unread = [(row, n) for row, n in whole if row["stage"] == "ingest"]
    videos, clips = counts["sources"] + sum(n for _, n in unread), counts["clips"]
    clip_rejects = [(row, row["clips"]) for row in figures["rejects"] if row["clips"]]
    cells = [
        _step("videos_in", videos, videos, unread),
        _step("videos_good", counts["sources"], videos, [(row, n) for row, n in whole if row["stage"] != "ingest"]),
        _step("clips_in", clips, clips, clip_rejects),
        _step("samples", counts["samples"], clips, []),
    ]
    return f'{_heading("funnel")}<div class="funnel">{"".join(cells)}</div>'


def _step(name: str, n: int, most: int, lost: list[tuple[Row, int]]) -> str:
    """One step of the funnel, with what is lost after it and why."""
    reasons = "".join(
        f"<li><b {figure_of('rejects.' + row['reason'], gone)}>−{number(gone)}</b> {reason_meaning(row)} "
        f"<code>{escape(row['stage'])}/{escape(row['reason'])}</code></li>"
        for row, gone in lost
    )
    return (
        f'<div class="step"><b {figure_of("counts." + name, n)}>{number(n)}</b>{say(name)}'
        f'<div class="meter"><i style="width:{100 * n / most if most else 0:.1f}%"></i></div><ul>{reasons}</ul></div>'
    )


def _trust(figures: Figures, results: list[Row]) -> str:
    columns = ["license", "basis", "consent", "media", "samples", "videos"]
    rights = [
        (r["license"], r["rights_basis"], r["consent"], r["media_policy"], r["n"], r["videos"])
        for r in figures["rights"]
    ]
    return (
        f"{_heading('trust')}<div class='panel'><h3>{say('expectations')}</h3>{expectations.section(results)}</div>"
        f"<div class='grid2 gap'><div class='panel'><h3>{say('findings')}</h3>{findings.section(figures)}</div>"
        f"<div class='panel'><h3>{say('rights')}</h3>"
        f"{charts.table(columns, rights, right=(4, 5))}</div></div>"
    )


def _cost(figures: Figures) -> str:
    busiest = max(map(_time_of, figures["stages"]), default=0.0) or 1.0
    stages = [
        (
            row["stage"],
            Markup(f'<span class="meter"><i style="width:{100 * _time_of(row) / busiest:.1f}%"></i></span>'),
            _time_of(row),
            f"{number(row['rows_in'])} → {number(row['rows_out'])}",
            row["n_cached"],
        )
        for row in figures["stages"]
    ]
    tokens = [
        (
            f"{r['annotator']} {r['model']}",
            r["answers"],
            f"{number(r['tokens_in'])} / {number(r['tokens_out'])}",
            r["retries"],
        )
        for r in figures["cost"]
    ]
    times = charts.table(["stage", "numbers", "busy", "rows", "cached"], stages, right=(2, 4))
    spent = charts.table(["annotator", "answers", "tokens", "retries"], tokens, right=(1, 2, 3))
    return (
        f"{_heading('cost')}<div class='grid2'><div class='panel'>{times}</div>"
        f"<div class='panel'>{spent}{_senses(figures)}</div></div>"
    )


def _senses(figures: Figures) -> str:
    """What canaries showed of the teachers' senses: in the records, and in the last run that sent any."""
    if not figures["senses"]:
        return ""
    known = [
        (
            f"{r['annotator']} {r['model']}",
            say_sense(r["sight"]),
            say_sense(r["hearing"]),
            r["senses_failed"],
            r["answers"],
        )
        for r in figures["senses"]
    ]
    sent = [
        (r["annotator"], f"{r['rows_out']} / {r['rows_in']}", r["canary_hit_rate"], r["senses_failed"])
        for r in figures["canaries"]
    ]
    senses_table = charts.table(["annotator", "sight", "hearing", "failed", "answers"], known, right=(4,))
    runs = charts.table(["annotator", "canaries_passed", "hit_rate", "failed"], sent, right=(1, 2)) if sent else ""
    return f"<h3 class='next'>{say('senses')}</h3>{senses_table}{runs}"


def say_sense(state: str | None) -> Markup:
    """``proven``, ``refused`` or ``unproven`` in both languages."""
    return Markup(say(f"sense_{state}")) if state in ("proven", "refused", "unproven") else Markup("–")


def _time_of(row: Row) -> float:
    return float(row["busy_s"] if row["busy_s"] is not None else row["wall_s"] or 0.0)


def _lineage(manifest: dict[str, Any], figures: Figures) -> str:
    tools = [(name, str(version)) for name, version in sorted(manifest.get("tools", {}).items())]
    prints = [
        (name, Markup(f"<code>{escape(str(value)[:16])}</code>"))
        for name, value in sorted(manifest.get("fingerprints", {}).items())
    ]
    config = escape(json.dumps(manifest.get("config", {}), indent=2, ensure_ascii=False, sort_keys=True))
    return (
        f"{_heading('lineage')}<div class='grid2'><div class='panel'>{charts.table(['tool', 'version'], tools)}</div>"
        f"<div class='panel'>{charts.table(['stage', 'fingerprint'], prints)}</div></div>"
        f"<details><summary>{say('configuration')}</summary><pre>{config}</pre></details>"
    )


def _gallery(exhibits: list[Exhibit]) -> str:
    withheld = f'<p class="note">{say("withheld")}</p>'
    return f"{_heading('gallery')}{gallery(exhibits)}{withheld}"
