-- Each video: how many samples it gave, how much of it was used, and its most frequent label.
WITH used AS (
    SELECT source_id, count(*) AS n, sum(duration_s) AS used_s, mode(label) AS top_label
    FROM "index" GROUP BY source_id
)
SELECT s.uri, coalesce(u.n, 0) AS n, round(s.duration_s, 1) AS film_s,
       round(100 * coalesce(u.used_s, 0) / nullif(s.duration_s, 0), 1) AS used_percent, u.top_label, s.license
FROM sources s LEFT JOIN used u USING (source_id)
ORDER BY n DESC, s.uri
LIMIT 1000
