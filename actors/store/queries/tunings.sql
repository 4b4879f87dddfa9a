-- What `tune` measured.

-- name: keep
-- The newest measurement of a combination replaces the one before.
insert into tunings (hardware, model, device, compute_type, beam_size, batch, cpu_threads, actors, mps,
  speed_h_per_h, reason, figures)
values (%(hardware)s::jsonb, %(model)s, %(device)s, %(compute_type)s, %(beam_size)s, %(batch)s, %(cpu_threads)s,
  %(actors)s, %(mps)s, %(speed_h_per_h)s, %(reason)s, %(figures)s::jsonb)
on conflict (hardware, model, device, compute_type, beam_size, batch, cpu_threads, actors, mps) do update
set measured_at = clock_timestamp(), speed_h_per_h = excluded.speed_h_per_h, reason = excluded.reason,
  figures = excluded.figures
returning measured_at

-- name: all
-- Of each machine and model the fastest first, what can't be done last.
select hardware, model, device, compute_type, beam_size, batch, cpu_threads, actors, mps, measured_at,
  speed_h_per_h, reason, figures
from tunings order by hardware, model, device, speed_h_per_h desc nulls last, actors
