-- Where the builds' time went, by stage.
SELECT stage, count(*) AS runs, round(sum(wall_s), 3) AS wall_s, round(sum(busy_s), 3) AS busy_s,
       round(sum(cpu_s), 3) AS cpu_s, sum(rows_in) AS rows_in, sum(n_cached) AS n_cached,
       round(sum(busy_s) / nullif(sum(rows_in) - coalesce(sum(n_cached), 0), 0), 4) AS busy_s_per_row,
       max(peak_rss_bytes) AS peak_rss_bytes
FROM runs
GROUP BY stage
ORDER BY coalesce(sum(busy_s), sum(wall_s)) DESC NULLS LAST, stage
