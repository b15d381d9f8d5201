-- Samples whose independent label sources disagree most: read these first.
SELECT key, label, n_votes, round(label_agreement, 3) AS label_agreement, round(valence_sd, 3) AS valence_sd,
       agreement_tier, confidence, transcript
FROM clips
WHERE label_agreement < 1
ORDER BY label_agreement, valence_sd DESC NULLS LAST, key
LIMIT 100
