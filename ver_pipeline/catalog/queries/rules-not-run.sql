-- Rules that could not run, and on how many samples: not run is not passed.
SELECT rule, count(*) AS samples
FROM (SELECT unnest(rules_not_run) AS rule FROM clips WHERE len(rules_not_run) > 0)
GROUP BY rule
ORDER BY samples DESC, rule
