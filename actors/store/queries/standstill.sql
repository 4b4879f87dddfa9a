-- What a run waits for, when its line stands still.

-- name: longest_held
select video_id, coalesce(stage, 'claimed') as stage,
       extract(epoch from clock_timestamp() - started_at)::float8 as held_s
from ingest_state where run_id = %(run_id)s and status = 'running' order by started_at, video_id limit 1
