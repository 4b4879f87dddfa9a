-- Moving a video through its states. Every change of hands adds one to its fence.

-- name: open_run
-- A claim and the end of its run take turns at the run's row: what is claimed is seen by the end that puts it back,
-- and after the end nothing is claimed. Workers outlive a raylet that was killed by a second.
select from runs where run_id = %(run_id)s and finished_at is null for share

-- name: claimed_before
-- The same claim asked again: its commit landed, and only the answer was lost.
select video_id, fence, url, meta, redo, queue_no from ingest_state
where run_id = %(run_id)s and claim = %(claim)s and status = 'running' order by queue_no

-- name: claim
-- Takes the oldest due videos that this run works on and no other claim is taking at this moment: those on the
-- queue, and those that failed for now. Of a source that limits us no more than its share; what is only cut
-- or embedded again asks no source.
-- Another recipe than last time: what was agreed or counted under the old one goes. What is only cut or
-- embedded again keeps the recipe that it was made by.
with fresh as (
  select s.video_id, s.queue_no, case when s.redo in ('segment', 'embed') then s.recipe else asked.recipe end as recipe
  from ingest_state s join run_videos asked on asked.video_id = s.video_id and asked.run_id = %(run_id)s
  where s.status = 'pending' and (s.not_before is null or s.not_before <= clock_timestamp())
    and asked.standing in ('new', 'again', 'held') and (s.redo in ('segment', 'embed') or s.site <> all(%(sites)s::text[]))
  order by s.queue_no limit %(limit)s
  for update of s skip locked
), once_more as (
  select s.video_id, s.queue_no, case when s.redo in ('segment', 'embed') then s.recipe else asked.recipe end as recipe
  from ingest_state s join run_videos asked on asked.video_id = s.video_id and asked.run_id = %(run_id)s
  where s.status = 'failed' and not s.permanent and (s.not_before is null or s.not_before <= clock_timestamp())
    and asked.standing in ('new', 'again', 'held') and (s.redo in ('segment', 'embed') or s.site <> all(%(sites)s::text[]))
  order by s.queue_no limit %(limit)s
  for update of s skip locked
), limited as (
  select c.* from unnest(%(sites)s::text[], %(shares)s::int[]) as source (site, share)
  cross join lateral (
    select s.video_id, s.queue_no, case when s.redo in ('segment', 'embed') then s.recipe else asked.recipe end as recipe
    from ingest_state s join run_videos asked on asked.video_id = s.video_id and asked.run_id = %(run_id)s
    where s.site = source.site and coalesce(s.redo, '') not in ('segment', 'embed') and s.status in ('pending', 'failed') and not s.permanent
      and (s.not_before is null or s.not_before <= clock_timestamp())
      and asked.standing in ('new', 'again', 'held')
    order by s.queue_no limit source.share
    for update of s skip locked
  ) c
), pick as (
  select * from (table fresh union all table once_more union all table limited) due
  order by queue_no limit %(limit)s
)
update ingest_state s
set status = 'running', run_id = %(run_id)s, claim = %(claim)s, fence = fence + 1, attempts = attempts + 1,
    started_at = clock_timestamp(), finished_at = null, not_before = null, stage = 'claimed',
    code = null, reason = null, remedy = null, permanent = false,
    recipe = pick.recipe,
    language = case when s.recipe = pick.recipe then language end,
    n_slices = case when s.recipe = pick.recipe then n_slices end,
    decoded_s = case when s.recipe = pick.recipe then decoded_s end,
    speech_done_s = coalesce((select sum(speech_s) from slices where video_id = s.video_id
                              and recipe = pick.recipe and edition = s.edition), 0)
from pick where s.video_id = pick.video_id
returning s.video_id, s.fence, s.url, s.meta, s.redo, s.queue_no

-- name: lock
-- The row of a video, locked: whoever writes for it takes turns here.
select status, fence, run_id, recipe, edition, redo, attempts, language, meta, decoded_s, content_sha256, n_slices
from ingest_state where video_id = %(video_id)s for update

-- name: look_ahead
select count(*) as n from ingest_state
where status = 'running' and run_id = %(run_id)s and stage in ('claimed', 'prefilter', 'download')

-- name: work_is_due
select exists (
  select from run_videos r join ingest_state s using (video_id)
  where r.run_id = %(run_id)s and r.standing in ('new', 'again', 'held') and s.kind <> 'list'
    and s.status in ('pending', 'failed') and not s.permanent
    and (s.not_before is null or s.not_before <= clock_timestamp())
) as yes

-- name: counts
select count(*) as asked,
       count(*) filter (where working and status = 'pending') as pending,
       count(*) filter (where working and status = 'running' and s.run_id = r.run_id) as running,
       count(*) filter (where working and status = 'running' and s.run_id <> r.run_id) as held_elsewhere,
       count(*) filter (where working and status = 'stored') as stored,
       count(*) filter (where working and status = 'skipped' and code <> 'list') as skipped,
       count(*) filter (where working and status = 'skipped' and code = 'list') as lists,
       count(*) filter (where working and status = 'failed') as failed,
       count(*) filter (where standing in ('stored', 'stored_other_recipe')) as stored_before,
       count(*) filter (where standing = 'skipped_before') as skipped_before,
       count(*) filter (where standing = 'failed_before') as failed_before,
       count(*) filter (where standing = 'not_due') as not_due,
       coalesce(sum(coalesce(decoded_s, (meta->>'duration_s')::float8))
                filter (where working and status = 'stored'), 0)::float8 as stored_audio_s,
       (select coalesce(sum(speech_s), 0) from slices where slices.run_id = %(run_id)s)::float8
         as transcribed_speech_s,
       coalesce(sum(coalesce(decoded_s, (meta->>'duration_s')::float8))
                filter (where working and status in ('pending', 'running', 'stored')), 0)::float8 as known_audio_s,
       count(coalesce(decoded_s, (meta->>'duration_s')::float8))
                filter (where working and status in ('pending', 'running', 'stored')) as n_known_audio
from run_videos r join ingest_state s using (video_id)
cross join lateral (select standing in ('new', 'again', 'held') as working) w
where r.run_id = %(run_id)s

-- name: enter
update ingest_state set stage = %(stage)s where video_id = %(video_id)s

-- name: describe
update ingest_state set meta = %(meta)s::jsonb, title = %(title)s, kind = 'video' where video_id = %(video_id)s

-- name: set_language
update ingest_state set language = %(language)s where video_id = %(video_id)s

-- name: finish
-- The end of an attempt that stored nothing.
update ingest_state
set status = %(status)s, code = %(code)s, reason = %(reason)s, remedy = %(remedy)s, permanent = %(permanent)s,
    not_before = clock_timestamp() + make_interval(secs => %(delay_s)s::float8),
    finished_at = clock_timestamp(), claim = null
where video_id = %(video_id)s

-- name: postpone
-- Back to the queue without a verdict; the attempt doesn't count. With last others come first.
update ingest_state
set status = 'pending', fence = fence + 1, claim = null, stage = null, attempts = greatest(attempts - 1, 0),
    queue_no = case when %(last)s then nextval('ingest_queue') else queue_no end,
    not_before = clock_timestamp() + make_interval(secs => %(delay_s)s::float8)
where video_id = %(video_id)s

-- name: drop_work
delete from work_in_hand where video_id = %(video_id)s

-- name: begin_work
insert into work_in_hand as w (video_id, stage, ordinal, tries)
values (%(video_id)s, %(stage)s, %(ordinal)s, 1)
on conflict (video_id, stage, ordinal) do update set tries = w.tries + 1, since = clock_timestamp()
returning tries

-- name: n_deaths
select coalesce(max(tries), 0) as n from work_in_hand
where video_id = %(video_id)s and stage = %(stage)s and ordinal = %(ordinal)s

-- name: end_work
delete from work_in_hand where video_id = %(video_id)s and stage = %(stage)s and ordinal = %(ordinal)s

-- name: set_kind_list
update ingest_state set kind = 'list', redo = null where video_id = %(video_id)s

-- name: content_holder
-- Who holds this content, unless he failed with it or was told to leave it out, and isn't in the corpus.
select c.video_id from contents c join ingest_state s using (video_id)
where c.sha256 = %(sha256)s and c.video_id <> %(video_id)s
  and (s.status not in ('failed', 'skipped') or exists (select from sources where source_id = c.video_id))

-- name: drop_contents
delete from contents where video_id = %(video_id)s and sha256 <> %(sha256)s

-- name: hold_content
insert into contents (sha256, video_id) values (%(sha256)s, %(video_id)s)
on conflict (sha256) do update set video_id = excluded.video_id

-- name: lock_content
-- Two videos with the same content take turns; freed with the transaction.
select pg_advisory_xact_lock(hashtextextended(encode(%(sha256)s::bytea, 'hex'), 0))

-- name: set_content
-- What was to be fetched anew has been: from here on the archived track is the new one.
update ingest_state
set content_sha256 = %(sha256)s, redo = case when redo = 'fetch' then 'prepare' else redo end
where video_id = %(video_id)s

-- name: content_changed
-- The source now gives other bytes: slices cut from the old ones don't fit. What is served keeps its own.
with gone as (
  delete from slices c where c.video_id = %(video_id)s
    and not exists (select from sources s where s.source_id = c.video_id
                    and s.recipe = c.recipe and s.edition = c.edition)
)
update ingest_state set n_slices = null, decoded_s = null, language = null, speech_done_s = 0
where video_id = %(video_id)s

-- name: unended
select video_id from ingest_state
where video_id = any(%(ids)s) and (status in ('pending', 'running') or (status = 'failed' and not permanent))
