-- Groups of samples with the same media bytes or the same pictures.
WITH marks AS (
    SELECT 'media' AS same, media_sha256 AS mark, key, split, label FROM clips
    UNION ALL
    SELECT 'pictures', array_to_string(phash, ' '), key, split, label FROM clips WHERE len(phash) > 0
)
SELECT same, count(*) AS n, count(DISTINCT split) AS splits, count(DISTINCT label) AS labels,
       list(key ORDER BY key)[:5] AS first_keys
FROM marks
WHERE (same, hash(mark)) IN (SELECT (same, hash(mark)) FROM marks GROUP BY ALL HAVING count(*) > 1)
GROUP BY same, mark
HAVING count(*) > 1
ORDER BY splits DESC, labels DESC, n DESC, first_keys
LIMIT 100
