-- Which labels stand together in one sample (the label and the canonical ids of its open labels).
WITH sets AS (SELECT labels_canon AS ids, count(*) AS n FROM clips WHERE len(labels_canon) > 1 GROUP BY labels_canon)
, ones AS (SELECT unnest(ids) AS one, ids, n FROM sets)
, pairs AS (SELECT one, unnest(ids) AS other, n FROM ones)
SELECT one, other, sum(n)::BIGINT AS n
FROM pairs
WHERE one < other
GROUP BY one, other
ORDER BY n DESC, one, other
