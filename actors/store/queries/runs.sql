-- Runs and whether their drivers live.

-- name: next_id
-- A run's number is drawn before its row appears, so that it is locked before anyone can see it.
select nextval(pg_get_serial_sequence('runs', 'run_id')) as run_id

-- name: insert
insert into runs (run_id, settings) values (%(run_id)s, %(settings)s::jsonb)
on conflict (run_id) do nothing

-- name: take_lock
-- A session lock: Postgres frees it the moment the driver's connection is gone. Waits (up to
-- lock_timeout) where the server hasn't noticed yet that our last connection broke.
select pg_advisory_lock(%(key)s)

-- name: still_ours
-- Waits for whoever is declaring the run lost at this moment.
select finished_at is null as unfinished from runs where run_id = %(run_id)s for update

-- name: unfinished
select run_id from runs where finished_at is null and run_id is distinct from %(except_run)s
order by run_id for update skip locked

-- name: locked_keys
-- Keys of the advisory locks held in this database (objsubid 1: one bigint key in two halves).
select (classid::bigint << 32) | objid::bigint as key from pg_locks
where locktype = 'advisory' and objsubid = 1 and granted
  and database = (select oid from pg_database where datname = current_database())

-- name: mark_lost
update runs set finished_at = clock_timestamp(), outcome = 'lost' where run_id = any(%(runs)s)

-- name: put_back
-- What these runs held goes back to the queue under a new fence: their workers, should any live,
-- can write no more. With forgive the attempt doesn't count.
update ingest_state
set status = 'pending', fence = fence + 1, claim = null, not_before = null, stage = null,
    attempts = greatest(attempts - %(forgive)s, 0)
where status = 'running' and run_id = any(%(runs)s)
returning video_id

-- name: forgive_work
-- What was in hand was cut short from outside: this try isn't held against it, earlier ones are.
with forgiven as (
  update work_in_hand set tries = tries - 1 where video_id = any(%(videos)s) and tries > 1
)
delete from work_in_hand where video_id = any(%(videos)s) and tries <= 1

-- name: note
-- Where it stands, for whoever watches it.
update runs set figures = %(figures)s::jsonb where run_id = %(run_id)s and finished_at is null

-- name: course
-- Whether its driver lives is told by its lock, as in locked_keys.
select run_id, started_at, finished_at, outcome, settings, figures, course,
  exists (
    select 1 from pg_locks where locktype = 'advisory' and objsubid = 1 and granted
      and database = (select oid from pg_database where datname = current_database())
      and (classid::bigint << 32) | objid::bigint = %(lock_key)s::bigint | (run_id & 4294967295)
  ) as has_driver
from runs
where %(run_id)s::bigint is null or run_id = %(run_id)s order by run_id desc limit 1

-- name: finish
update runs set finished_at = clock_timestamp(), outcome = %(outcome)s,
  figures = case when %(figures)s::jsonb = '{}' then figures else %(figures)s::jsonb end,
  course = %(course)s::jsonb
where run_id = %(run_id)s and finished_at is null
