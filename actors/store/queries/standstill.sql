-- What a run waits for, when its line stands still.

-- name: next_due
-- When the first of its videos that are not in the line may go on: one on the queue, or one that failed for
-- now and may be tried again later.
select extract(epoch from min(greatest(coalesce(s.not_before, now), now) - now))::float8 as due_s
from run_videos r join ingest_state s using (video_id) cross join clock_timestamp() as now
where r.run_id = %(run_id)s and (s.status = 'pending' or (s.status = 'failed' and not s.permanent and s.not_before > now))

-- name: longest_held
select video_id, coalesce(stage, 'claimed') as stage,
       extract(epoch from clock_timestamp() - started_at)::float8 as held_s
from ingest_state where run_id = %(run_id)s and status = 'running' order by started_at, video_id limit 1
