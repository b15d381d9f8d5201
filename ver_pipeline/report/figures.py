"""Every figure of the report and of the card, as the SQL that gives it.

The page shows these rows and nothing that was counted in another way, so anybody can check a figure with
``ver query``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ver_pipeline.catalog.dataset import Dataset

Row = dict[str, Any]
Figures = dict[str, list[Row]]

QUERIES: dict[str, str] = {
    "totals": """
        SELECT count(*) AS samples, coalesce(sum(duration_s), 0) / 3600 AS hours,
               count(DISTINCT source_id) AS videos, count(DISTINCT group_id) AS groups,
               avg(duration_s) AS mean_s, min(duration_s) AS min_s, max(duration_s) AS max_s,
               coalesce(sum(n_words), 0)::BIGINT AS words, coalesce(sum(speech_s), 0) / 3600 AS speech_hours,
               count(*) FILTER (n_faces > 0) AS with_faces, count(*) FILTER (has_speech) AS with_speech,
               count(*) FILTER (human_decision IS NOT NULL) AS reviewed,
               count(*) FILTER (agreement_tier = 'A') AS tier_a,
               count(*) FILTER (agreement_tier IS NOT NULL) AS tiered,
               avg(label_agreement) AS label_agreement, avg(n_evidence) AS mean_evidence,
               coalesce(sum(media_bytes), 0)::BIGINT AS media_bytes,
               count(*) FILTER (label = 'undetermined') AS undetermined,
               (SELECT count(*) FROM rejects) AS rejects
        FROM clips""",
    "labels": """
        SELECT label, count(*) AS n, sum(duration_s) / 3600 AS hours, count(*) FILTER (split = 'train') AS train,
               count(*) FILTER (split = 'val') AS val, count(*) FILTER (split = 'test') AS test,
               avg(confidence) AS confidence, avg(valence) AS valence, avg(arousal) AS arousal
        FROM clips GROUP BY label ORDER BY n DESC, label""",
    "languages": """
        SELECT language, count(*) AS n, sum(duration_s) / 3600 AS hours, sum(n_words)::BIGINT AS words
        FROM clips GROUP BY language ORDER BY n DESC, language""",
    "splits": """
        SELECT split, count(*) AS n, sum(duration_s) / 3600 AS hours, count(DISTINCT source_id) AS videos,
               count(DISTINCT group_id) AS groups
        FROM clips GROUP BY split ORDER BY n DESC, split""",
    "tiers": """
        SELECT tier, annotator, model, count(*) AS n, avg(confidence) AS confidence
        FROM clips GROUP BY ALL ORDER BY n DESC, tier, annotator, model""",
    "intensity": """
        SELECT label, intensity, count(*) AS n FROM clips
        WHERE intensity IS NOT NULL GROUP BY ALL ORDER BY label, intensity""",
    "plane": """
        WITH places AS (
            SELECT label, round(valence * 10) / 10 AS v, round(arousal * 10) / 10 AS a, count(*) AS n
            FROM clips WHERE valence IS NOT NULL AND arousal IS NOT NULL GROUP BY ALL)
        SELECT label, v AS valence, a AS arousal, sum(n) OVER (PARTITION BY v, a)::BIGINT AS n FROM places
        QUALIFY row_number() OVER (PARTITION BY v, a ORDER BY n DESC, label) = 1
        ORDER BY n DESC, valence, arousal""",
    "durations": """
        SELECT floor(duration_s)::INT AS bin, count(*) AS n FROM clips GROUP BY bin ORDER BY bin""",
    "words": """
        SELECT (floor(n_words / 5) * 5)::INT AS bin, count(*) AS n FROM clips GROUP BY bin ORDER BY bin""",
    "faces": """
        SELECT n_faces::INT AS bin, count(*) AS n FROM clips GROUP BY bin ORDER BY bin""",
    "agreement": """
        SELECT (floor(least(label_agreement, 0.999) * 10) * 10)::INT AS bin, count(*) AS n
        FROM clips WHERE label_agreement IS NOT NULL GROUP BY bin ORDER BY bin""",
    "agreement_tiers": """
        SELECT agreement_tier AS mark, count(*) AS n FROM clips GROUP BY mark ORDER BY mark NULLS LAST""",
    "together": """
        WITH sets AS (SELECT labels_canon AS ids, count(*) AS n FROM clips GROUP BY labels_canon)
        , ones AS (SELECT unnest(ids) AS one, ids, n FROM sets)
        , pairs AS (SELECT one, unnest(ids) AS other, n FROM ones)
        SELECT one, other, sum(n)::BIGINT AS n FROM pairs GROUP BY one, other ORDER BY one, other""",
    "open_words": """
        SELECT label AS en, min(label_zh) AS zh, min(canon) AS canon, count(*) AS n
        FROM labels WHERE annotation = 0 AND kind = 'open' GROUP BY label ORDER BY n DESC, label LIMIT 36""",
    "evidence": """
        SELECT modality, count(*) AS n, count(DISTINCT key) AS samples
        FROM evidence WHERE annotation = 0 GROUP BY modality ORDER BY n DESC, modality""",
    "rejects": """
        SELECT stage, reason, min(meaning) AS meaning, count(*) AS n, count(key) AS clips
        FROM rejects GROUP BY stage, reason ORDER BY n DESC, stage, reason""",
    "findings": """
        SELECT code, severity, count(*) AS n, min(message) AS example
        FROM findings GROUP BY code, severity ORDER BY n DESC, code LIMIT 20""",
    "not_run": """
        SELECT rule, count(*) AS n FROM (SELECT unnest(rules_not_run) AS rule FROM clips WHERE len(rules_not_run) > 0)
        GROUP BY rule ORDER BY n DESC, rule LIMIT 20""",
    "rights": """
        SELECT c.license, s.rights_basis, s.consent, c.media_policy, count(*) AS n,
               count(DISTINCT c.source_id) AS videos
        FROM clips c LEFT JOIN sources s ON s.source_id = c.source_id
        GROUP BY ALL ORDER BY n DESC, c.license, s.rights_basis, s.consent""",
    "cost": """
        SELECT annotator, model, count(*) AS answers, sum(tokens_in)::BIGINT AS tokens_in,
               sum(tokens_out)::BIGINT AS tokens_out, sum(attempts - 1)::BIGINT AS retries
        FROM annotations GROUP BY ALL ORDER BY sum(tokens_in) + sum(tokens_out) DESC, answers DESC, annotator, model""",
    "senses": """
        SELECT annotator, model, sight, hearing, senses_failed, count(*) AS answers
        FROM annotations WHERE tier = 'teacher'
        GROUP BY ALL ORDER BY answers DESC, annotator, model, sight, hearing, senses_failed""",
    "texts": """
        SELECT quantile_disc(len(string_split(trim(description_en), ' ')), 0.5) AS words_en,
               quantile_disc(len(description_zh), 0.5) AS chars_zh
        FROM clips""",
}

RUN_QUERIES: dict[str, str] = {
    "stages": """
        WITH last AS (SELECT run_id FROM runs ORDER BY started_utc DESC NULLS LAST, run_id DESC LIMIT 1)
        SELECT stage, wall_s, busy_s, rows_in, rows_out, n_rejected, n_cached FROM runs
        WHERE run_id = (SELECT run_id FROM last) AND stage <> 'total'
        ORDER BY coalesce(busy_s, wall_s) DESC NULLS LAST, stage""",
    "canaries": """
        WITH last AS (SELECT run_id FROM runs WHERE stage LIKE 'canaries:%'
                      ORDER BY started_utc DESC NULLS LAST, run_id DESC LIMIT 1)
        SELECT substr(stage, 10) AS annotator, rows_in, rows_out, sight, hearing, canary_hit_rate, senses_failed
        FROM runs WHERE run_id = (SELECT run_id FROM last) AND stage LIKE 'canaries:%' ORDER BY stage""",
    "run": """
        SELECT run_id, started_utc, wall_s, media_s, rows_in, rows_out FROM runs
        WHERE stage = 'total' ORDER BY started_utc DESC NULLS LAST, run_id DESC LIMIT 1""",
}
"""Figures that hold clock times: the report shows them, the card does not."""


def collect(data: Dataset, *, runs: bool = True) -> Figures:
    """All figures of a data set, as rows."""
    queries = {**QUERIES, **RUN_QUERIES} if runs else QUERIES
    return {name: data.sql(query).dicts() for name, query in queries.items()}
