-- Reading the ledger and the corpus.

-- name: by_status
select case when status = 'skipped' and code = 'list' then 'lists' else status end as status, count(*) as n
from ingest_state group by 1

-- name: videos
select video_id as id, url, title, kind, status, stage, code, reason, remedy, permanent, attempts, not_before,
       n_slices, (select count(*) from slices where slices.video_id = s.video_id
                                                and slices.recipe = s.recipe
                                                and slices.edition = s.edition) as n_slices_done,
       exists (select from sources where source_id = s.video_id) as in_corpus, redo,
       started_at, finished_at, queue_no
from ingest_state s
where queue_no > %(after)s
  and (%(status)s::text is null or status = %(status)s)
  and (%(run_id)s::bigint is null
       or exists (select from run_videos r where r.run_id = %(run_id)s and r.video_id = s.video_id))
order by queue_no limit %(limit)s

-- name: video
select video_id as id, url, title, kind, status, stage, code, reason, remedy, permanent, attempts, not_before,
       n_slices, (select count(*) from slices where slices.video_id = s.video_id
                                                and slices.recipe = s.recipe
                                                and slices.edition = s.edition) as n_slices_done,
       exists (select from sources where source_id = s.video_id) as in_corpus, redo,
       started_at, finished_at, queue_no
from ingest_state s where video_id = %(video_id)s

-- name: seed_rate
-- The seed's "Check Processing Rate", word for word.
SELECT 
    COUNT(*) as videos_processed,
    SUM(duration_s) / 3600.0 as total_hours,
    EXTRACT(EPOCH FROM (MAX(created_at) - MIN(created_at))) / 3600.0 as processing_hours,
    (SUM(duration_s) / 3600.0) / NULLIF(EXTRACT(EPOCH FROM (MAX(created_at) - MIN(created_at))) / 3600.0, 0) as throughput
FROM sources
WHERE created_at > NOW() - INTERVAL '24 hours'

-- name: run_rate
select count(*) as videos, coalesce(sum(duration_s), 0) / 3600.0 as audio_h,
       extract(epoch from max(finished_at) - min(started_at)) / 3600.0 as processing_h,
       sum(duration_s) / nullif(extract(epoch from max(finished_at) - min(started_at)), 0)::float8 as throughput
from ingest_state i join sources s on s.source_id = i.video_id
where i.status = 'stored' and i.run_id = %(run_id)s

-- name: last_run
select run_id, started_at, finished_at, outcome, settings, figures from runs order by run_id desc limit 1

-- name: source
select source_id as id, source_type, title, url, channel, channel_id, published_at, duration_s, language,
       created_at, updated_at, recipe, provenance
from sources where source_id = %(video_id)s

-- name: segments
select ordinal, text, start_s, end_s, n_words, speaker, speaker_score, speaker_margin, speaker_method,
       avg_logprob, compression_ratio, no_speech_prob, flags
from segments where source_id = %(video_id)s order by ordinal

-- name: corpus_size
select count(*) as videos, coalesce(sum(duration_s), 0)::float8 / 3600 as audio_h,
       (select count(*) from segments) as segments
from sources
