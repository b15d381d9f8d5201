-- Each shard: samples, hours and bytes of media.
SELECT shard, split, count(*) AS n, round(sum(duration_s) / 3600, 3) AS hours,
       (sum(mp4_size) + sum(json_size))::BIGINT AS bytes
FROM "index"
GROUP BY shard, split
ORDER BY shard
