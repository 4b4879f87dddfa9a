-- What earlier runs measured, for `plan`.

-- name: runs
-- Runs that came to their end and know on which machine that was, newest first.
select run_id, settings, figures from runs
where outcome = 'finished' and figures ? 'hardware' and figures ? 'stages'
order by run_id desc limit %(limit)s

-- name: mean_duration
select avg(duration_s)::float8 as mean_s, count(*) as n from sources where duration_s > 0
