-- Voices that no face on the screen speaks with: how long they speak, and how many faces are in view meanwhile.
SELECT p.key, p.person_id, p.speaker, round(p.speaking_s, 2) AS speaking_s, s.onscreen, s.n_faces, s.transcript
FROM people p JOIN clips s USING (key)
WHERE p.role = 'offscreen_voice'
ORDER BY p.speaking_s DESC, p.key, p.person_id
LIMIT 100
