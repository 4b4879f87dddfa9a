-- What `tune` measured: how fast the recogniser is on which hardware with which settings. One row a combination,
-- the newest measurement of it.

create table tunings (
  hardware      jsonb not null,                  -- as a run's figures name it: cores and cards
  model         text not null,                   -- last part of transcribe.model
  device        text not null,
  compute_type  text not null,                   -- as asked for; what it came to stands in the figures
  beam_size     integer not null,
  batch         integer not null,                -- prepare.slice_max_clips
  cpu_threads   integer not null,
  actors        integer not null,
  mps           boolean not null,                -- whether the processes shared the card through NVIDIA's MPS
  measured_at   timestamptz not null default clock_timestamp(),
  speed_h_per_h double precision,                -- of all actors together; null: it can't be done
  reason        text,                            -- why not
  figures       jsonb not null default '{}',
  primary key (hardware, model, device, compute_type, beam_size, batch, cpu_threads, actors, mps),
  check ((speed_h_per_h is null) = (reason is not null))
);
