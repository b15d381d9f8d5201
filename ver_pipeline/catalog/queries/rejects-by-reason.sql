-- Why videos and clips are not in the data set, most frequent first.
SELECT stage, reason, meaning, count(*) AS n, count(*) FILTER (retryable) AS retryable, min(message) AS example
FROM rejects
GROUP BY ALL
ORDER BY n DESC, stage, reason
