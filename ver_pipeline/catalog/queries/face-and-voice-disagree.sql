-- People whose face leans one way while their own words lean the other: irony, politeness, or a mistake of a source.
WITH lean AS (
  SELECT key, person_id,
         avg(valence) FILTER (list_contains(sources, 'face') OR list_contains(sources, 'shape')) AS face,
         avg(valence) FILTER (list_contains(sources, 'words') OR list_contains(sources, 'voice')) AS said
  FROM person_emotions WHERE valence IS NOT NULL
  GROUP BY key, person_id
)
SELECT l.key, l.person_id, p.role, round(l.face, 2) AS face_valence, round(l.said, 2) AS said_valence, s.transcript
FROM lean l JOIN people p USING (key, person_id) JOIN clips s USING (key)
WHERE l.face * l.said < 0 AND abs(l.face - l.said) >= 0.4
ORDER BY abs(l.face - l.said) DESC, l.key, l.person_id
LIMIT 100
