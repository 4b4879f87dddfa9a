-- What a run waits for, when its line stands still.

-- name: next_due
-- When the first of its videos that wait, for a retry or a permit, may go on.
select extract(epoch from min(s.not_before) - clock_timestamp())::float8 as due_s
from run_videos r join ingest_state s using (video_id)
where r.run_id = %(run_id)s and s.not_before > clock_timestamp()
  and (s.status = 'pending' or (s.status = 'failed' and not s.permanent))

-- name: longest_held
select video_id, coalesce(stage, 'claimed') as stage,
       extract(epoch from clock_timestamp() - started_at)::float8 as held_s
from ingest_state where run_id = %(run_id)s and status = 'running' order by started_at, video_id limit 1
