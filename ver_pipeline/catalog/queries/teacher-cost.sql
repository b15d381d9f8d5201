-- What each annotator read and wrote, in tokens, and how often it had to be asked again.
SELECT tier, annotator, model, count(*) AS answers, sum(tokens_in) AS tokens_in, sum(tokens_out) AS tokens_out,
       round(avg(tokens_in + tokens_out), 1) AS tokens_per_answer, sum(attempts - 1) AS retries,
       count(*) FILTER (parse = 'repaired') AS repaired
FROM annotations
GROUP BY ALL
ORDER BY sum(tokens_in) + sum(tokens_out) DESC, answers DESC, annotator, model
