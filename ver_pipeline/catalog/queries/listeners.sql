-- People who are seen and silent while somebody else speaks, and what their faces seem to show meanwhile.
SELECT p.key, p.person_id, p.label, round(p.valence, 2) AS valence, round(p.onscreen_share, 2) AS onscreen_share,
       (SELECT string_agg(DISTINCT o.speaker, ' ' ORDER BY o.speaker) FROM people o
        WHERE o.key = p.key AND o.person_id <> p.person_id AND o.speaking_s > 0) AS listens_to,
       s.transcript
FROM people p JOIN clips s USING (key)
WHERE p.role = 'listener'
ORDER BY p.onscreen_share DESC, p.key, p.person_id
LIMIT 100
