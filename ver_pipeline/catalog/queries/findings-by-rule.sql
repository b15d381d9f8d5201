-- What the record rules found on samples that are in the data set.
SELECT code, severity, count(*) AS n, count(DISTINCT key) AS samples, min(message) AS example
FROM findings
GROUP BY code, severity
ORDER BY n DESC, code, severity
