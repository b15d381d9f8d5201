-- Samples with the most seconds of silence.
SELECT key, label, duration_s, round(silence_frac * duration_s, 3) AS silent_s, speech_s, n_words, transcript
FROM clips
WHERE silence_frac IS NOT NULL
ORDER BY silence_frac * duration_s DESC, key
LIMIT 100
