-- Groups of samples with the same media bytes or the same frames.
WITH media AS (SELECT hash(media_sha256) AS h FROM clips GROUP BY h HAVING count(*) > 1)
, frames AS (SELECT hash(phash) AS h FROM clips WHERE len(phash) > 0 GROUP BY h HAVING count(*) > 1)
, marks AS (
    SELECT 'media' AS same, media_sha256 AS mark, key, split, label
    FROM clips WHERE hash(media_sha256) IN (SELECT h FROM media)
    UNION ALL
    SELECT 'frames', array_to_string(phash, ' '), key, split, label
    FROM clips WHERE len(phash) > 0 AND hash(phash) IN (SELECT h FROM frames)
)
SELECT same, count(*) AS n, count(DISTINCT split) AS splits, count(DISTINCT label) AS labels,
       list(key ORDER BY key)[:5] AS first_keys
FROM marks
GROUP BY same, mark
HAVING count(*) > 1
ORDER BY splits DESC, labels DESC, n DESC, first_keys
LIMIT 100
