-- What a run still has before it.

-- name: age
select extract(epoch from clock_timestamp() - started_at)::float8 as age_s from runs where run_id = %(run_id)s

-- name: asking
-- Videos of each source that were claimed and have not been looked at yet.
select site, count(*) as n from ingest_state
where status = 'running' and run_id = %(run_id)s and stage in ('claimed', 'prefilter') group by site

-- name: before_it
-- What a run works on and has not ended for good, by source and by what it waits for.
select s.site, s.code,
       case when s.status <> 'running' then s.status
            when s.stage in ('claimed', 'prefilter', 'download') then 'fetching'
            else 'working' end as phase,
       count(*) as n,
       greatest(0, extract(epoch from min(coalesce(s.not_before, clock_timestamp()) - clock_timestamp())))::float8
         as due_in_s
from run_videos r join ingest_state s using (video_id)
where r.run_id = %(run_id)s and r.standing in ('new', 'again', 'held')
  and (s.status = 'pending' or (s.status = 'running' and s.run_id = r.run_id)
       or (s.status = 'failed' and not s.permanent))
group by 1, 2, 3 order by due_in_s
