-- Who annotated: measured cues, a teacher model or a human.
SELECT tier, annotator, model, count(*) AS n, round(avg(confidence), 3) AS mean_confidence,
       round(avg(n_evidence), 2) AS mean_evidence, count(*) FILTER (label = 'undetermined') AS undetermined
FROM clips
GROUP BY ALL
ORDER BY n DESC, tier, annotator, model
