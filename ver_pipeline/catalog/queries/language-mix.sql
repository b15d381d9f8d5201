-- Samples, hours, words and speech by language spoken.
SELECT language, count(*) AS n, round(100.0 * count(*) / sum(count(*)) OVER (), 2) AS percent,
       round(sum(duration_s) / 3600, 3) AS hours, round(sum(speech_s) / 3600, 3) AS speech_hours,
       sum(n_words) AS words, count(DISTINCT source_id) AS videos
FROM clips
GROUP BY language
ORDER BY n DESC, language
