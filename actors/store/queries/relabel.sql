-- New labels for segments that stay as they are cut.

-- name: sources
-- updated_at tells later whether somebody has stored the video anew meanwhile.
select source_id as video_id, language, n_words_collapsed, updated_at from sources where source_id = any(%(ids)s)

-- name: texts
-- The slices that the served texts were cut from.
select c.video_id, c.language, c.utterances,
       c.voice_model, c.voice_start_s, c.voice_end_s, c.voice_windows, c.voice_vectors, c.voice_dense, c.voice_reason
from sources s join slices c on c.video_id = s.source_id and c.recipe = s.recipe and c.edition = s.edition
where s.source_id = any(%(ids)s) order by c.video_id, c.ordinal

-- name: segments
select source_id as video_id, ordinal, text, start_s, end_s, n_words, speaker, speaker_score, speaker_margin,
       speaker_method, flags
from segments where source_id = any(%(ids)s) order by source_id, ordinal

-- name: hold
-- Whoever stores the video waits for us, or we for him and then see that it is another.
select updated_at from sources where source_id = %(video_id)s for update

-- name: label
update segments g
set speaker = l.speaker, speaker_score = l.score, speaker_margin = l.margin, speaker_method = l.method
from unnest(%(ordinals)s::int[], %(speakers)s::text[], %(scores)s::float8[], %(margins)s::float8[], %(methods)s::text[])
     as l (ordinal, speaker, score, margin, method)
where g.source_id = %(video_id)s and g.ordinal = l.ordinal

-- name: touch
update sources set updated_at = clock_timestamp() where source_id = %(video_id)s

-- name: heard
-- Windows of stored videos, a few slices of each of the videos drawn: to tell a voice from.
select c.video_id, c.voice_model, c.voice_start_s, c.voice_end_s, c.voice_windows, c.voice_vectors, c.voice_dense,
       c.voice_reason
from (
  select video_id, recipe, edition, (array_agg(ordinal order by random()))[1:%(n_slices)s] as ordinals
  from slices
  where voice_model = %(model)s and voice_reason is null
    and video_id in (select source_id from sources order by random() limit %(n_videos)s)
  group by 1, 2, 3
) drawn
join slices c on c.video_id = drawn.video_id and c.recipe = drawn.recipe and c.edition = drawn.edition
             and c.ordinal = any(drawn.ordinals)
order by c.video_id, c.ordinal
