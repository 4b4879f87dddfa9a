-- Who speaks in the corpus.

-- name: hours
-- By enrolled voice; people whom nobody enrolled together, since each video numbers its own; unknown by reason.
-- Without run_id: the whole corpus.
select kind, case when kind = 'voice' then speaker when kind = 'unknown' then reason end as name,
       count(*) as segments, count(distinct source_id) as videos, sum(end_s - start_s)::float8 / 3600 as hours
from (
  select g.source_id, g.start_s, g.end_s, g.speaker, regexp_replace(g.speaker_method, '^unknown: ', '') as reason,
         case when g.speaker_method in ('profile', 'fast path') then 'voice'
              when starts_with(g.speaker_method, 'unknown') or g.speaker is null then 'unknown'
              else 'not enrolled' end as kind
  from segments g
  where %(run_id)s::bigint is null
     or exists (select from ingest_state i where i.video_id = g.source_id and i.run_id = %(run_id)s
                                             and i.status = 'stored')
) said
group by 1, 2 order by hours desc, name

-- name: labels
-- Every label that a segment carries, each found by one step through the index.
with recursive label as (
  (select speaker from segments where speaker is not null order by speaker limit 1)
  union all
  select (select g.speaker from segments g where g.speaker > label.speaker order by g.speaker limit 1)
  from label where label.speaker is not null
)
select speaker from label where speaker is not null
