-- A video's slices, and putting them together.

-- name: present
select coalesce(array_agg(ordinal), '{}') as ordinals, max(n_slices) as n_slices
from slices where video_id = %(video_id)s and recipe = %(recipe)s

-- name: at_claim
-- Every commit under the present claim is later than that.
select coalesce(array_agg(s.ordinal), '{}') as ordinals
from slices s join ingest_state i using (video_id)
where video_id = %(video_id)s and s.recipe = %(recipe)s and s.committed_at < i.started_at

-- name: insert
insert into slices (video_id, recipe, ordinal, n_slices, decoded_s, speech_s, language, utterances, provenance,
                    run_id)
values (%(video_id)s, %(recipe)s, %(ordinal)s, %(n_slices)s, %(decoded_s)s, %(speech_s)s, %(language)s,
        %(utterances)s::jsonb, %(provenance)s::jsonb, %(run_id)s)
on conflict (video_id, recipe, ordinal) do nothing

-- name: learn_end
-- The last slice says how many there are. It may have been committed by an attempt that hadn't.
update slices set n_slices = %(n_slices)s, decoded_s = %(decoded_s)s
where video_id = %(video_id)s and recipe = %(recipe)s and ordinal = %(ordinal)s and n_slices is null

-- name: tally
select count(*) as n_done, max(ordinal) as last, max(n_slices) as n_slices, max(decoded_s) as decoded_s,
       coalesce(sum(speech_s), 0)::float8 as speech_s
from slices where video_id = %(video_id)s and recipe = %(recipe)s

-- name: note_progress
update ingest_state
set n_slices = %(n_slices)s, decoded_s = coalesce(%(decoded_s)s, decoded_s), speech_done_s = %(speech_s)s,
    provenance = coalesce(%(provenance)s::jsonb, provenance)
where video_id = %(video_id)s

-- name: text
select language, utterances, provenance from slices
where video_id = %(video_id)s and recipe = %(recipe)s order by ordinal
