-- Samples whose annotator was least sure.
SELECT key, label, confidence, ambiguity, tier, annotator, n_evidence, description_en
FROM clips
ORDER BY confidence, key
LIMIT 100
