-- How far label sources agree, by label.
SELECT label, count(*) AS n, round(avg(label_agreement), 3) AS label_agreement,
       round(avg(sentiment_agreement), 3) AS sentiment_agreement, round(avg(valence_sd), 3) AS valence_sd,
       round(avg(en_zh_agreement), 3) AS en_zh_agreement,
       count(*) FILTER (agreement_tier = 'A') AS tier_a, count(*) FILTER (agreement_tier = 'B') AS tier_b,
       count(*) FILTER (agreement_tier = 'C') AS tier_c,
       count(*) FILTER (agreement_tier IS NULL) AS not_computed
FROM clips
GROUP BY label
ORDER BY n DESC, label
