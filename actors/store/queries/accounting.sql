-- Sums that must agree, and what the segments are like. {table} is filled in by accounting.py.

-- name: video_sums
-- What each video that a run stored has, and what its slices say that it should have. In pages.
select asked.video_id, source.source_id is not null as in_corpus,
       seg.n as n_segments, vec.n as n_vectors,
       cut.n_words as n_words_in, seg.n_words as n_words_out, coalesce(source.n_words_collapsed, 0) as n_words_collapsed,
       cut.n as n_slices, cut.n_said as n_slices_said, cut.last as last_slice
from run_videos asked
join ingest_state state on state.video_id = asked.video_id and state.run_id = asked.run_id and state.status = 'stored'
left join sources source on source.source_id = asked.video_id
cross join lateral (
  select count(*) as n, coalesce(sum(n_words), 0) as n_words from segments where source_id = asked.video_id
) seg
cross join lateral (select count(*) as n from {table} where source_id = asked.video_id) vec
cross join lateral (
  select count(*) as n, coalesce(sum(n_words), 0) as n_words, max(n_slices) as n_said, max(ordinal) as last
  from slices where video_id = asked.video_id and recipe = source.recipe and edition = source.edition
) cut
where asked.run_id = %(run_id)s and asked.video_id > %(after)s
order by asked.video_id limit %(limit)s

-- name: left_open
-- Videos that a run was to do and that have not come to an end. Another run's are its own affair.
select s.video_id, s.status, s.stage
from run_videos r join ingest_state s using (video_id)
where r.run_id = %(run_id)s and r.standing in ('new', 'again', 'held')
  and (s.status = 'pending' or (s.status = 'running' and s.run_id = r.run_id))
order by s.queue_no limit %(limit)s

-- name: segment_sums
-- Bounds of a segment's length are those of the run that stored it. Without run_id: the whole corpus.
select count(*) as n_segments,
       count(*) filter (where g.text <> '' and s.provenance ->> 'model' is not null) as n_from_asr,
       count(e.source_id) as n_with_vector,
       count(*) filter (where g.speaker is not null or g.speaker_method is not null) as n_with_speaker,
       count(*) filter (where g.speaker is not null) as n_identified,
       count(*) filter (where length(g.text) < (r.settings #>> '{{segment,min_chars}}')::int) as n_under,
       count(*) filter (where length(g.text) > (r.settings #>> '{{segment,max_chars}}')::int) as n_over,
       count(*) filter (where g.flags <> '{{}}') as n_flagged,
       percentile_disc(array[0.05, 0.5, 0.95]) within group (order by length(g.text)) as lengths
from segments g
join sources s using (source_id)
left join ingest_state i on i.video_id = g.source_id
left join runs r on r.run_id = i.run_id
left join {table} e on e.source_id = g.source_id and e.ordinal = g.ordinal
where %(run_id)s::bigint is null or (i.run_id = %(run_id)s and i.status = 'stored')

-- name: flags
select flag, count(*) as n
from segments g join ingest_state i on i.video_id = g.source_id cross join unnest(g.flags) flag
where %(run_id)s::bigint is null or (i.run_id = %(run_id)s and i.status = 'stored')
group by flag order by n desc, flag

-- name: bad_segments
-- Segments that break one of the gates.
select g.source_id as video_id, g.ordinal
from segments g
join sources s using (source_id)
left join ingest_state i on i.video_id = g.source_id
left join {table} e on e.source_id = g.source_id and e.ordinal = g.ordinal
where (%(run_id)s::bigint is null or (i.run_id = %(run_id)s and i.status = 'stored'))
  and case %(gate)s::text
        when 'asr' then g.text = '' or s.provenance ->> 'model' is null
        when 'vector' then e.source_id is null
        when 'speaker' then g.speaker is null and g.speaker_method is null
      end
order by g.source_id, g.ordinal limit %(limit)s

-- name: wordless
-- Speech without a word in what is served, beside all speech; the worst videos first.
with heard as (
  select c.video_id, sum(c.speech_s) as speech_s, sum(c.wordless_s) as wordless_s
  from slices c
  join sources s on s.source_id = c.video_id and s.recipe = c.recipe and s.edition = c.edition
  left join ingest_state i on i.video_id = c.video_id
  where %(run_id)s::bigint is null or (i.run_id = %(run_id)s and i.status = 'stored')
  group by c.video_id
)
select coalesce(sum(speech_s), 0)::float8 as speech_s, coalesce(sum(wordless_s), 0)::float8 as wordless_s,
       count(*) filter (where wordless_s > 0) as n_videos,
       coalesce((array_agg(video_id order by wordless_s desc, video_id) filter (where wordless_s > 0))[:%(limit)s], '{}') as worst
from heard
