-- Clips in which two voices or more take turns: how often the voice changes, who speaks longest, how long at once.
WITH told AS (
  SELECT *, lag(speaker) OVER (PARTITION BY key ORDER BY i) AS before
  FROM turns WHERE speaker IS NOT NULL
), shares AS (
  SELECT key, speaker, sum(end_s - start_s) AS spoken_s FROM told GROUP BY key, speaker
)
SELECT t.key, t.source_id, count(DISTINCT t.speaker) AS n_speakers, count(*) AS n_turns,
       count(*) FILTER (t.before <> t.speaker) AS n_changes,
       (SELECT max_by(s.speaker, (s.spoken_s, s.speaker)) FROM shares s WHERE s.key = t.key) AS speaks_longest,
       round(sum(t.overlap_s), 3) AS overlap_s
FROM told t
GROUP BY t.key, t.source_id
HAVING count(DISTINCT t.speaker) > 1
ORDER BY n_changes DESC, t.key
LIMIT 100
