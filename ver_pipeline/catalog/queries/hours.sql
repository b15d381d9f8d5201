-- The data set in one row.
SELECT count(*) AS samples, round(sum(duration_s) / 3600, 3) AS hours, count(DISTINCT source_id) AS videos,
       count(DISTINCT group_id) AS groups, round(avg(duration_s), 3) AS mean_s, sum(n_words)::BIGINT AS words,
       count(*) FILTER (n_faces > 0) AS with_faces, (SELECT count(*) FROM rejects) AS rejects
FROM "index"
