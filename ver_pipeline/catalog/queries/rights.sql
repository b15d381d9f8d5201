-- What may be done with the footage: licence, basis and consent, by samples and hours.
SELECT c.license, s.rights_basis, s.consent, c.media_policy, count(*) AS n,
       count(DISTINCT c.source_id) AS videos, round(sum(c.duration_s) / 3600, 3) AS hours
FROM clips c LEFT JOIN sources s USING (source_id)
GROUP BY ALL
ORDER BY n DESC, c.license, s.rights_basis, s.consent, c.media_policy
