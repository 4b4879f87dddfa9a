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

-- name: due
select video_id, url, kind, queue_no from ingest_state
where status = 'failed' and not permanent and coalesce(not_before, '-infinity') <= clock_timestamp()
  and (%(codes)s::text[] = '{}' or code = any(%(codes)s)) and queue_no > %(after)s
order by queue_no limit %(limit)s
