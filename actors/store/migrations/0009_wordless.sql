-- Seconds of a slice's speech in which the recogniser heard no word, in its second decoding neither. Such a stretch
-- leaves no utterance that could carry a flag, and must not look like silence.
alter table slices add column wordless_s double precision not null default 0 check (wordless_s >= 0);
