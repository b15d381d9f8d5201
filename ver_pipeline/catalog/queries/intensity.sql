-- How strong each label is, from 0 (none) to 4 (extreme), and its place on valence and arousal.
SELECT label, count(*) AS n,
       count(*) FILTER (intensity = 0) AS i0, count(*) FILTER (intensity = 1) AS i1,
       count(*) FILTER (intensity = 2) AS i2, count(*) FILTER (intensity = 3) AS i3,
       count(*) FILTER (intensity = 4) AS i4, count(*) FILTER (intensity IS NULL) AS unknown,
       round(avg(valence), 3) AS mean_valence, round(avg(arousal), 3) AS mean_arousal
FROM "index"
GROUP BY label
ORDER BY n DESC, label
