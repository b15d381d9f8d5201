-- Samples without a face, by label: their emotion rests on voice, words and scene.
SELECT label, count(*) AS n, count(*) FILTER (has_speech) AS with_speech, round(avg(confidence), 3) AS mean_confidence
FROM clips
WHERE n_faces = 0
GROUP BY label
ORDER BY n DESC, label
