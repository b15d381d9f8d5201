-- What the adopted annotations stand on, by kind of evidence and who found it.
SELECT modality, source, count(*) AS n,
       round(count(*) / (SELECT count(*) FROM clips), 3) AS per_sample, round(avg(confidence), 3) AS mean_confidence,
       count(*) FILTER (len(supports) > 0) AS supporting
FROM evidence
WHERE annotation = 0
GROUP BY ALL
ORDER BY n DESC, modality, source
