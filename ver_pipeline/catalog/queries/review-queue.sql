-- Samples the rules want a human to look at, most findings first.
SELECT key, label, confidence, n_findings, agreement_tier, transcript, description_en
FROM clips
WHERE status = 'review' AND human_decision IS NULL
ORDER BY n_findings DESC, confidence, key
LIMIT 100
