-- Putting videos on the queue.

-- name: insert_unknown
insert into ingest_state (video_id, kind, url, site, title, meta, recipe)
select video_id, kind, url, site, title, meta::jsonb, %(recipe)s
from unnest(%(ids)s::text[], %(kinds)s::text[], %(urls)s::text[], %(sites)s::text[], %(titles)s::text[],
            %(metas)s::text[])
  with ordinality as item (video_id, kind, url, site, title, meta, n)
order by n
on conflict (video_id) do nothing
returning video_id

-- name: states
-- What the rules of standing.py need to know of each known video.
select s.video_id, s.status, s.code, s.permanent, s.not_before, s.recipe, s.fence,
       asked.video_id is not null as asked_by_this_run,
       coalesce(original.status = 'stored', false)
         or exists (select from sources where source_id = c.video_id) as original_is_stored
from ingest_state s
left join run_videos asked on asked.video_id = s.video_id and asked.run_id = %(run_id)s
left join contents c on s.code = 'duplicate' and c.sha256 = s.content_sha256
left join ingest_state original on original.video_id = c.video_id
where s.video_id = any(%(ids)s)

-- name: requeue
-- Only rows that nobody has touched since they were read. The earlier outcome's traces go, and what was named
-- by lists inside of lists and is now named by itself begins anew. Forced: begun anew from the source; what is
-- served of it stays until then.
update ingest_state s
set status = 'pending', fence = s.fence + 1, queue_no = nextval('ingest_queue'), asked_at = clock_timestamp(),
    url = item.url, site = item.site, kind = case when item.kind = 'unknown' then s.kind else item.kind end,
    title = coalesce(s.title, item.title), meta = coalesce(item.meta::jsonb, s.meta - 'list_depth'),
    stage = null, code = null, reason = null, remedy = null, permanent = false, not_before = null,
    claim = null, finished_at = null, attempts = case when %(force)s then 0 else s.attempts end,
    redo = case when %(force)s then 'fetch' else s.redo end,
    edition = case when %(force)s then nextval('slice_editions') else s.edition end,
    language = case when %(force)s then null else s.language end,
    n_slices = case when %(force)s then null else s.n_slices end,
    decoded_s = case when %(force)s then null else s.decoded_s end
from unnest(%(ids)s::text[], %(fences)s::bigint[], %(kinds)s::text[], %(urls)s::text[], %(sites)s::text[],
            %(titles)s::text[], %(metas)s::text[]) as item (video_id, fence, kind, url, site, title, meta)
where s.video_id = item.video_id and s.fence = item.fence and s.status <> 'running'
returning s.video_id

-- name: forget_work
-- Forced: nothing of earlier attempts is used again, nor held against the video.
delete from work_in_hand where video_id = any(%(ids)s)

-- name: note_standings
insert into run_videos (run_id, video_id, standing, recipe)
select %(run_id)s, video_id, standing, %(recipe)s
from unnest(%(ids)s::text[], %(standings)s::text[]) as item (video_id, standing)
on conflict (run_id, video_id) do nothing

-- name: n_to_do
-- Videos that this run works on; a list that turned out to be one doesn't count.
select count(*) as n from run_videos r join ingest_state s using (video_id)
where r.run_id = %(run_id)s and r.standing in ('new', 'again', 'held') and s.kind <> 'list'

-- name: take_turns
select from runs where run_id = %(run_id)s for update
