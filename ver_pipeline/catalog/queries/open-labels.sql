-- The emotion words as written, most frequent first, with their canonical id.
SELECT label AS word_en, min(label_zh) AS word_zh, canon, count(*) AS n, round(avg(p), 3) AS mean_p
FROM labels
WHERE kind = 'open' AND annotation = 0
GROUP BY label, canon
ORDER BY n DESC, word_en, canon
LIMIT 200
