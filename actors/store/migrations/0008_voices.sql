-- Enrolled voices. Vectors of a voice are biometric data: this table is the only one that holds them, nothing
-- logs them, and what was derived from them (labels, scores and margins of segments) goes with them.

create table voices (
  name        text primary key,
  model       text not null,                     -- the voice model that made the vectors
  revision    text,
  dim         int not null,
  centroid    real[] not null,                   -- dim numbers, unit length
  vectors     real[] not null,                   -- windows × dim, rows of unit length
  threshold   double precision not null check (threshold between -1 and 1),
  eer         double precision check (eer between 0 and 1), -- null: there was no other voice to tell it from
  calibration jsonb not null,                    -- what the threshold rests on, in figures
  sources     jsonb not null,                    -- where the voice was heard, and for how long
  speech_s    double precision not null check (speech_s >= 0),
  window_s    double precision not null,
  hop_s       double precision not null,
  created_at  timestamptz not null default clock_timestamp(),
  check (dim between 1 and 4000 and cardinality(centroid) = dim),
  check (array_ndims(vectors) = 2 and array_length(vectors, 2) = dim)
);
-- Two voices whose names differ in upper and lower case only would be taken for one another.
create unique index voices_name on voices (lower(name));
