-- How often each source may be asked: one row for all processes of all runs that share an exit address
-- and a session. And whom each video's address asks, so that a source that pauses holds back only its own.

create table governor (
  site           text not null,                  -- 'youtube', or a host's name
  exit           text not null,                  -- address that requests leave from, or the proxy's
  session        text not null,                  -- 'guest', or a hash of where the cookies come from
  tokens         double precision not null,
  needed         double precision not null,      -- level at which the next permit is given
  counted_at     timestamptz not null,           -- when tokens and recent were right
  learned_per_h  double precision,               -- null: what the settings allow
  recent         double precision not null default 0, -- permits of about the last hour
  paused_at      timestamptz,
  paused_until   timestamptz,
  refused_since  timestamptz,                    -- null: the source let us through last time
  primary key (site, exit, session)
);

alter table ingest_state add column site text not null default ''; -- '' asks nobody, or it isn't known
update ingest_state set site = case
  when url ~* '^https?://([^/@]*@)?([a-z0-9-]+\.)*(youtube|youtube-nocookie|youtubekids)\.com([/:?#]|$)'
    or url ~* '^https?://([^/@]*@)?(www\.)?youtu\.be([/:?#]|$)' then 'youtube'
  else coalesce(lower(substring(url from '^https?://(?:[^/@]*@)?([^/:?#]+)')), '') end;
create index ingest_state_pending_site on ingest_state (site, queue_no) where status = 'pending';
