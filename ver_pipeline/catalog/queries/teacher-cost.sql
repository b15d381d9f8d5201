-- What each annotator read and wrote, in tokens, and how often it had to be asked again.
WITH priced AS (
    SELECT * FROM runs
    UNION ALL BY NAME  -- a data set of an earlier release has no money in its runs
    SELECT NULL::DOUBLE AS cost_estimate, NULL::DOUBLE AS cost WHERE false
)
SELECT 'answers' AS about, tier, annotator, model, count(*) AS answers, sum(tokens_in) AS tokens_in,
       sum(tokens_out) AS tokens_out, round(avg(tokens_in + tokens_out), 1) AS tokens_per_answer,
       sum(attempts - 1) AS retries, count(*) FILTER (parse = 'repaired') AS repaired,
       NULL AS run_id, NULL AS started_utc, NULL::DOUBLE AS cost_estimate, NULL::DOUBLE AS cost
FROM annotations
GROUP BY ALL
UNION ALL BY NAME
SELECT 'run' AS about, run_id, min(started_utc) AS started_utc,
       sum(rows_in) FILTER (stage = 'annotate') AS answers,
       sum(tokens_in) FILTER (stage = 'annotate') AS tokens_in,
       sum(tokens_out) FILTER (stage = 'annotate') AS tokens_out,
       sum(cost_estimate) AS cost_estimate, sum(cost) AS cost
FROM priced
WHERE stage IN ('annotate-estimate', 'annotate')
GROUP BY run_id
ORDER BY about, tokens_in + tokens_out DESC, answers DESC, annotator, model, started_utc, run_id
