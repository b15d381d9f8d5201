-- Videos or groups that stand in more than one split.  No rows is what you want.
SELECT 'video' AS what, source_id AS id, list(DISTINCT split ORDER BY split) AS splits, count(*) AS n
FROM "index" GROUP BY source_id HAVING count(DISTINCT split) > 1
UNION ALL
SELECT 'group', group_id, list(DISTINCT split ORDER BY split), count(*)
FROM "index" GROUP BY group_id HAVING count(DISTINCT split) > 1
ORDER BY what, n DESC, id
LIMIT 100
