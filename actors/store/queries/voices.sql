-- Enrolled voices, and what was derived from them.

-- name: insert
insert into voices (name, model, revision, dim, centroid, vectors, threshold, eer, calibration, sources, speech_s,
                    window_s, hop_s)
values (%(name)s, %(model)s, %(revision)s, %(dim)s, %(centroid)s::real[], %(vectors)s::real[], %(threshold)s, %(eer)s,
        %(calibration)s::jsonb, %(sources)s::jsonb, %(speech_s)s, %(window_s)s, %(hop_s)s)

-- name: delete
delete from voices where name = %(name)s

-- name: take_turns
-- Until the transaction ends: two processes don't enrol at once. Reading goes on.
lock table voices in share row exclusive mode

-- name: all
select name, model, revision, centroid, vectors, threshold, eer, calibration, sources, speech_s, window_s, hop_s,
       created_at
from voices where %(names)s::text[] is null or name = any(%(names)s::text[]) order by lower(name)

-- name: names
select name from voices order by lower(name)

-- name: profiles
select name, model, centroid, vectors, threshold from voices order by lower(name)

-- name: stamp
-- Differs whenever somebody was enrolled, replaced or removed.
select count(*) as n, max(created_at) as newest from voices

-- name: take_time
-- A large corpus takes longer than a statement otherwise may, and a voice must go.
set local statement_timeout = 0

-- name: forget_labels
-- What was said by a voice that is no longer known.
update segments
set speaker = null, speaker_score = null, speaker_margin = null, speaker_method = %(method)s
where speaker = %(name)s

-- name: forget_margins
-- A margin is the distance to the next nearest voice, which may have been the one that is gone.
update segments set speaker_margin = null where speaker_margin is not null

-- name: hold_labelling
-- Keeps the voices that a video's segments are labelled by from being removed before its transaction ends.
select name from voices
where name in (select speaker from segments where source_id = %(video_id)s and speaker_method in ('profile', 'fast path'))
for key share

-- name: forget_absent
-- Labels by voices that were removed after the work on the video had begun.
update segments g
set speaker = null, speaker_score = null, speaker_margin = null, speaker_method = %(method)s
where g.source_id = %(video_id)s and g.speaker_method in ('profile', 'fast path')
  and not exists (select from voices v where v.name = g.speaker)

-- name: scrub
-- Rewrites the table, so that no page of it still holds the vectors of a voice that was removed.
vacuum full voices
