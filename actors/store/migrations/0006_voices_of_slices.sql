-- What was heard of the voices in a slice. Kept, so that a video can be labelled anew after an enrolment without its
-- audio. These are voiceprints: they go with their slice.

-- The vectors of a slice are only ever read together, to decide on a whole video, and no search runs over them. So
-- they lie in one value: float16, little-endian, row after row, at 384 bytes a window of 192 dimensions (half the
-- size of float4[], no header for each vector as in halfvec[]). Cosines of such vectors are right to three digits.
alter table slices
  add column voice_model text,                   -- null: stored before voices were listened to
  add column voice_start_s double precision,     -- the stretch of the video that the slice covers
  add column voice_end_s double precision,
  add column voice_windows double precision[],   -- start and end of the first window, of the second …
  add column voice_vectors bytea,
  add column voice_dense boolean,                -- false: probes of one enrolled voice, spread over the slice
  add column voice_reason text,                  -- why there is no vector
  add check (voice_model is null or (
    voice_start_s <= voice_end_s and voice_windows is not null and voice_vectors is not null
    and voice_dense is not null and (voice_reason is not null) = (cardinality(voice_windows) = 0)));
-- Vectors don't get smaller by compressing.
alter table slices alter column voice_vectors set storage external;
