-- Samples, hours, videos and groups of each split.
SELECT split, count(*) AS n, round(sum(duration_s) / 3600, 3) AS hours, count(DISTINCT source_id) AS videos,
       count(DISTINCT group_id) AS groups, count(DISTINCT shard) AS shards
FROM "index"
GROUP BY split
ORDER BY n DESC, split
