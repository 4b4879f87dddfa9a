-- The transaction that stores a video.

-- name: upsert_source
-- created_at is when the video was first stored: storing it again changes updated_at only. Both are the time of
-- the statement: two calls of the clock differ by a microsecond now and then.
insert into sources (source_id, source_type, title, url, channel, channel_id, published_at, duration_s, language,
                     recipe, edition, provenance, n_words_collapsed, created_at, updated_at)
values (%(source_id)s, %(source_type)s, %(title)s, %(url)s, %(channel)s, %(channel_id)s, %(published_at)s,
        %(duration_s)s, %(language)s, %(recipe)s, %(edition)s, %(provenance)s::jsonb, %(n_words_collapsed)s,
        statement_timestamp(), statement_timestamp())
on conflict (source_id) do update
set source_type = excluded.source_type, title = excluded.title, url = excluded.url, channel = excluded.channel,
    channel_id = excluded.channel_id, published_at = excluded.published_at, duration_s = excluded.duration_s,
    language = excluded.language, recipe = excluded.recipe, edition = excluded.edition,
    provenance = excluded.provenance, n_words_collapsed = excluded.n_words_collapsed,
    updated_at = excluded.updated_at

-- name: delete_segments
-- Vectors of every model go with them.
delete from segments where source_id = %(source_id)s

-- name: delete_vectors
-- Of one model; the segments and the vectors of others stay.
delete from {table} where source_id = %(source_id)s

-- name: copy_segments
copy segments (source_id, ordinal, text, start_s, end_s, n_words, speaker, speaker_score, speaker_method,
               avg_logprob, compression_ratio, no_speech_prob, flags) from stdin (format binary)

-- name: copy_vectors
copy {table} (source_id, ordinal, embedding) from stdin (format binary)

-- name: mark_stored
update ingest_state
set status = 'stored', stage = 'stored', redo = null, code = null, reason = null, remedy = null, permanent = false,
    not_before = null, finished_at = clock_timestamp(), provenance = %(provenance)s::jsonb
where video_id = %(source_id)s
