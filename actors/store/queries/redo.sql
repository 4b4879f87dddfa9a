-- Doing stored videos again. What is served stays until Writer replaces it.

-- name: chosen
-- The stored videos that meet every condition, oldest in the corpus first. A null asks for nothing.
-- whole: all slices of the text that is served lie in the ledger.
select s.source_id as video_id, s.title, s.url, s.recipe, i.status,
       (select count(*) = max(n_slices) from slices c
        where c.video_id = s.source_id and c.recipe = s.recipe and c.edition = s.edition) is true as whole
from sources s join ingest_state i on i.video_id = s.source_id
where (%(video)s::text is null or s.source_id = %(video)s)
  and (%(channel)s::text is null or lower(s.channel) = lower(%(channel)s)
       or lower(s.channel_id) = lower(%(channel)s))
  and (%(language)s::text is null or s.language = %(language)s)
  and (%(since)s::timestamptz is null or s.published_at >= %(since)s)
  and (%(until)s::timestamptz is null or s.published_at < %(until)s)
  and (%(model)s::text is null
       or regexp_replace(s.provenance->>'model', '^.*/', '') = regexp_replace(%(model)s, '^.*/', ''))
  and (%(recipe)s::text is null or s.recipe = %(recipe)s)
  and (%(not_recipe)s::text is null or s.recipe is distinct from %(not_recipe)s)
  and (%(status)s::text is null or i.status = %(status)s)
  and (not %(unheard)s
       or exists (select from slices c where c.video_id = s.source_id and c.recipe = s.recipe and c.edition = s.edition
                  and (c.voice_model is null or c.voice_reason is not null))
       or exists (select from segments g where g.source_id = s.source_id and starts_with(g.speaker_method, 'unknown: too few windows')))
  and not exists (
    select from unnest(%(flags)s::text[]) as wanted (flag)
    where not exists (select from segments g where g.source_id = s.source_id and wanted.flag = any(g.flags)))
  and not exists (
    select from unnest(%(speakers)s::text[]) as wanted (speaker)
    where not exists (select from segments g where g.source_id = s.source_id and g.speaker = wanted.speaker))
order by s.created_at, s.source_id
limit %(limit)s

-- name: begin
-- Back to the queue, unless somebody is at it. The same work that an earlier run left unfinished goes
-- on where it was: its edition stays. What is cut or embedded again keeps the recipe that it was made by.
update ingest_state i
set status = 'pending', fence = i.fence + 1, queue_no = nextval('ingest_queue'), asked_at = clock_timestamp(),
    stage = null, code = null, reason = null, remedy = null, permanent = false, not_before = null,
    claim = null, finished_at = null, attempts = 0, redo = %(start)s,
    recipe = case when %(start)s = 'prepare' then %(recipe)s else s.recipe end,
    edition = case when begun.already then i.edition
                   when %(start)s = 'prepare' then nextval('slice_editions') else s.edition end,
    language = case when begun.already then i.language when %(start)s = 'prepare' then null else s.language end,
    n_slices = case when begun.already then i.n_slices when %(start)s = 'prepare' then null else served.n_slices end,
    decoded_s = case when begun.already then i.decoded_s
                     when %(start)s = 'prepare' then null else served.decoded_s end
from sources s
cross join lateral (
  select max(n_slices) as n_slices, max(decoded_s) as decoded_s from slices c
  where c.video_id = s.source_id and c.recipe = s.recipe and c.edition = s.edition
) served
join ingest_state before on before.video_id = s.source_id
cross join lateral (
  select %(start)s = 'prepare' and before.status = 'pending' and before.redo = 'prepare'
         and before.recipe = %(recipe)s as already
) begun
where s.source_id = any(%(ids)s) and i.video_id = s.source_id and i.status <> 'running'
returning i.video_id, i.recipe

-- name: forget_tries
-- Done again by a person's wish: what killed its worker before may try anew.
delete from work_in_hand where video_id = any(%(ids)s)

-- name: note
insert into run_videos (run_id, video_id, standing, recipe)
select %(run_id)s, i.video_id, case when i.status = 'running' then 'held' else 'again' end, i.recipe
from ingest_state i where i.video_id = any(%(ids)s)
on conflict (run_id, video_id) do nothing
returning standing

-- name: served
-- A stored video, to be embedded again as it stands.
select source_type, title, url, channel, channel_id, published_at, duration_s, language, provenance
from sources where source_id = %(video_id)s

-- name: served_segments
select ordinal, text, start_s, end_s, n_words, speaker, speaker_score, speaker_margin, speaker_method,
       avg_logprob, compression_ratio, no_speech_prob, flags
from segments where source_id = %(video_id)s order by ordinal

-- name: unfinished
-- Served videos whose doing again hasn't come to its end.
select count(*) filter (where i.status in ('pending', 'running')) as to_do,
       count(*) filter (where i.status in ('failed', 'skipped')) as not_done
from ingest_state i join sources s on s.source_id = i.video_id where i.status <> 'stored'
