-- Videos that failed for now. An empty list of codes stands for every code.

-- name: overview
select count(*) filter (where coalesce(not_before, '-infinity') <= clock_timestamp()) as due,
       count(*) filter (where not_before > clock_timestamp()) as later,
       min(not_before) filter (where not_before > clock_timestamp()) as next_due
from ingest_state
where status = 'failed' and not permanent and (%(codes)s::text[] = '{}' or code = any(%(codes)s))

-- name: bring_forward
update ingest_state set not_before = clock_timestamp()
where status = 'failed' and not permanent and not_before > clock_timestamp()
  and (%(codes)s::text[] = '{}' or code = any(%(codes)s))

-- name: reopen
-- What failed for good, by the codes that somebody names: private to us until there were cookies.
update ingest_state set permanent = false, not_before = clock_timestamp()
where status = 'failed' and permanent and code = any(%(codes)s)

-- name: due
select video_id, url, kind, queue_no from ingest_state
where status = 'failed' and not permanent and coalesce(not_before, '-infinity') <= clock_timestamp()
  and (%(codes)s::text[] = '{}' or code = any(%(codes)s)) and queue_no > %(after)s
order by queue_no limit %(limit)s
