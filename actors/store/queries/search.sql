-- Hybrid search. {table} and {order} are filled in by search.py.

-- name: n_passing
-- How many segments pass the filters, counted no further than it matters.
select count(*) as n from (
  select from segments g join sources s using (source_id)
  where (%(channel)s::text is null or lower(s.channel) = lower(%(channel)s) or s.channel_id = %(channel)s)
    and (%(since)s::timestamptz is null or s.published_at >= %(since)s)
    and (%(until)s::timestamptz is null or s.published_at < %(until)s)
    and (%(speaker)s::text is null or g.speaker = %(speaker)s)
    and (%(video_id)s::text is null or g.source_id = %(video_id)s)
  limit %(few)s + 1
) passing

-- name: fused
-- Candidates by vector and by words, each ranked, fused by reciprocal rank (k = 60).
with near as materialized (
  select e.source_id, e.ordinal, e.embedding <=> %(vector)s as distance
  from {table} e join segments g using (source_id, ordinal) join sources s using (source_id)
  where (%(channel)s::text is null or lower(s.channel) = lower(%(channel)s) or s.channel_id = %(channel)s)
    and (%(since)s::timestamptz is null or s.published_at >= %(since)s)
    and (%(until)s::timestamptz is null or s.published_at < %(until)s)
    and (%(speaker)s::text is null or g.speaker = %(speaker)s)
    and (%(video_id)s::text is null or e.source_id = %(video_id)s)
  order by {order} limit %(candidates)s
),
matching as materialized (
  select g.source_id, g.ordinal, g.tsv
  from segments g join sources s using (source_id)
  where g.tsv @@ websearch_to_tsquery('english', %(text)s)
    and (%(channel)s::text is null or lower(s.channel) = lower(%(channel)s) or s.channel_id = %(channel)s)
    and (%(since)s::timestamptz is null or s.published_at >= %(since)s)
    and (%(until)s::timestamptz is null or s.published_at < %(until)s)
    and (%(speaker)s::text is null or g.speaker = %(speaker)s)
    and (%(video_id)s::text is null or g.source_id = %(video_id)s)
  limit %(text_cap)s
),
worded as (
  select source_id, ordinal, ts_rank_cd(tsv, websearch_to_tsquery('english', %(text)s)) as closeness
  from matching order by closeness desc, source_id, ordinal limit %(candidates)s
),
ranked as (
  select source_id, ordinal, distance, row_number() over (order by distance, source_id, ordinal) as place
  from near
  union all
  select source_id, ordinal, null, row_number() over (order by closeness desc, source_id, ordinal) from worded
),
best as (
  select source_id, ordinal, sum(1.0 / (60 + place))::float8 as score, 1 - min(distance) as similarity
  from ranked group by source_id, ordinal
  order by score desc, min(distance), source_id, ordinal limit %(limit)s
)
select source_id as video_id, s.title, s.url, s.channel, s.published_at, g.ordinal, g.start_s, g.end_s, g.speaker,
       g.text, best.score, best.similarity
from best join segments g using (source_id, ordinal) join sources s using (source_id)
order by best.score desc, best.similarity desc nulls last, source_id, ordinal
