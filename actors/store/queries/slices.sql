-- A video's slices, and putting them together.

-- name: present
-- Of the attempt in hand, by its own recipe unless another is named.
select coalesce(array_agg(c.ordinal), '{}') as ordinals, max(c.n_slices) as n_slices
from ingest_state i join slices c using (video_id, edition)
where video_id = %(video_id)s and c.recipe = coalesce(%(recipe)s::text, i.recipe)

-- name: at_claim
-- Every commit under the present claim is later than that.
select coalesce(array_agg(s.ordinal), '{}') as ordinals
from ingest_state i join slices s using (video_id, edition)
where video_id = %(video_id)s and s.recipe = i.recipe and s.committed_at < i.started_at

-- name: insert
insert into slices (video_id, recipe, edition, ordinal, n_slices, decoded_s, speech_s, wordless_s, language, utterances,
                    provenance, run_id, voice_model, voice_start_s, voice_end_s, voice_windows, voice_vectors,
                    voice_dense, voice_reason)
values (%(video_id)s, %(recipe)s, %(edition)s, %(ordinal)s, %(n_slices)s, %(decoded_s)s, %(speech_s)s, %(wordless_s)s, %(language)s,
        %(utterances)s::jsonb, %(provenance)s::jsonb, %(run_id)s, %(voice_model)s, %(voice_start_s)s, %(voice_end_s)s,
        %(voice_windows)s::float8[], %(voice_vectors)s, %(voice_dense)s, %(voice_reason)s)
on conflict (video_id, recipe, edition, ordinal) do nothing

-- name: learn_end
-- The last slice says how many there are. It may have been committed by an attempt that hadn't.
update slices set n_slices = %(n_slices)s, decoded_s = %(decoded_s)s
where video_id = %(video_id)s and recipe = %(recipe)s and edition = %(edition)s and ordinal = %(ordinal)s
  and n_slices is null

-- name: tally
select count(*) as n_done, max(ordinal) as last, max(n_slices) as n_slices, max(decoded_s) as decoded_s,
       coalesce(sum(speech_s), 0)::float8 as speech_s
from slices where video_id = %(video_id)s and recipe = %(recipe)s and edition = %(edition)s

-- name: note_progress
update ingest_state
set n_slices = %(n_slices)s, decoded_s = coalesce(%(decoded_s)s, decoded_s), speech_done_s = %(speech_s)s,
    provenance = coalesce(%(provenance)s::jsonb, provenance)
where video_id = %(video_id)s

-- name: text
select language, utterances, provenance, wordless_s,
       voice_model, voice_start_s, voice_end_s, voice_windows, voice_vectors, voice_dense, voice_reason
from slices
where video_id = %(video_id)s and recipe = %(recipe)s and edition = %(edition)s order by ordinal

-- name: drop_unserved
-- Kept are the slices that the stored text was cut from: `segment` can begin anew from them.
delete from slices c where c.video_id = any(%(ids)s)
  and not exists (select from sources s where s.source_id = c.video_id
                  and s.recipe = c.recipe and s.edition = c.edition)
