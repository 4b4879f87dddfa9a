-- Permits to ask a source. Times go in and out as seconds since the epoch, on the database's clock.

-- name: enter
-- A source seen for the first time starts with a full bucket.
insert into governor (site, exit, session, tokens, needed, counted_at)
values (%(site)s, %(exit)s, %(session)s, %(tokens)s, %(needed)s, clock_timestamp())
on conflict (site, exit, session) do nothing

-- name: lock
select tokens, needed, extract(epoch from counted_at)::float8 as counted_at_s, learned_per_h, recent,
       extract(epoch from paused_at)::float8 as paused_at_s,
       extract(epoch from paused_until)::float8 as paused_until_s,
       extract(epoch from refused_since)::float8 as refused_since_s
from governor where site = %(site)s and exit = %(exit)s and session = %(session)s
for update

-- name: now
select extract(epoch from clock_timestamp())::float8 as now_s

-- name: save
update governor
set tokens = %(tokens)s, needed = %(needed)s, counted_at = to_timestamp(%(counted_at_s)s),
    learned_per_h = %(learned_per_h)s, recent = %(recent)s, paused_at = to_timestamp(%(paused_at_s)s),
    paused_until = to_timestamp(%(paused_until_s)s), refused_since = to_timestamp(%(refused_since_s)s)
where site = %(site)s and exit = %(exit)s and session = %(session)s

-- name: all
select site, tokens, needed, extract(epoch from counted_at)::float8 as counted_at_s, learned_per_h, recent,
       extract(epoch from paused_at)::float8 as paused_at_s,
       extract(epoch from paused_until)::float8 as paused_until_s,
       extract(epoch from refused_since)::float8 as refused_since_s
from governor where exit = %(exit)s and session = %(session)s

-- name: in_use
-- Of every exit that asked within the last five minutes, or is paused: the nodes of a cluster with addresses of their own. One
-- that asked once, or whose node has gone, shall not count as one that could ask.
select site, tokens, needed, extract(epoch from counted_at)::float8 as counted_at_s, learned_per_h, recent,
       extract(epoch from paused_at)::float8 as paused_at_s,
       extract(epoch from paused_until)::float8 as paused_until_s,
       extract(epoch from refused_since)::float8 as refused_since_s
from governor
where session = %(session)s
  and (counted_at > clock_timestamp() - interval '5 minutes' or paused_until > clock_timestamp())
