-- Which labels stand together in one sample (canonical ids of the open labels).
WITH worn AS (
    SELECT key, list_sort(list_distinct(list(canon))) AS ids
    FROM labels
    WHERE kind = 'open' AND annotation = 0 AND canon IS NOT NULL
    GROUP BY key
    HAVING count(*) > 1
)
, sets AS (SELECT ids, count(*) AS n FROM worn WHERE len(ids) > 1 GROUP BY ids)
, pairs AS (SELECT a.label AS one, unnest(ids) AS other, n FROM (SELECT unnest(ids) AS label, ids, n FROM sets) a)
SELECT one, other, sum(n)::BIGINT AS n
FROM pairs
WHERE one < other
GROUP BY one, other
ORDER BY n DESC, one, other
