-- How many samples and hours each label has, and how it spreads over the splits.
SELECT
    label,
    count(*) AS n,
    round(100.0 * count(*) / sum(count(*)) OVER (), 2) AS percent,
    round(sum(duration_s) / 3600, 3) AS hours,
    count(*) FILTER (split = 'train') AS train,
    count(*) FILTER (split = 'val') AS val,
    count(*) FILTER (split = 'test') AS test,
    round(avg(confidence), 3) AS mean_confidence
FROM "index"
GROUP BY label
ORDER BY n DESC, label
