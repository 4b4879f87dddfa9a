-- The corpus: what can be searched. A row of sources appears when its video is stored, whole.

create table sources (
  source_id    text primary key,                 -- the ledger's video_id
  source_type  text not null,                    -- yt-dlp's extractor
  title        text not null,
  url          text not null,
  channel      text,
  channel_id   text,
  published_at timestamptz,
  duration_s   double precision not null check (duration_s >= 0),
  language     text,
  created_at   timestamptz not null default clock_timestamp(), -- when it was first stored
  updated_at   timestamptz not null default clock_timestamp(),
  recipe       text,
  provenance   jsonb
);
create index sources_created on sources (created_at);
create index sources_published on sources (published_at);
create index sources_channel on sources (channel);

create table segments (
  source_id         text not null references sources on delete cascade,
  ordinal           int not null check (ordinal >= 0),
  text              text not null,
  start_s           double precision not null check (start_s >= 0),
  end_s             double precision not null check (end_s >= start_s),
  n_words           int not null,
  speaker           text,
  speaker_score     double precision,
  speaker_method    text,
  avg_logprob       double precision,
  compression_ratio double precision,
  no_speech_prob    double precision,
  flags             text[] not null default '{}',
  -- 'english' for every language: query and text go through the same stemmer, so others match too,
  -- only less kindly (English stop words are left out of them). The vectors know no such borders.
  tsv               tsvector generated always as (to_tsvector('english', text)) stored,
  primary key (source_id, ordinal)
);
create index segments_tsv on segments using gin (tsv);
create index segments_speaker on segments (speaker) where speaker is not null;

-- Each model's vectors lie in a table of their own, made by the program when the model is first used.
create table embedding_models (
  id         int generated always as identity primary key,
  name       text not null unique,
  dim        int not null check (dim between 1 and 4000),
  table_name text not null unique,
  active     boolean not null default false,     -- the one that search uses
  created_at timestamptz not null default clock_timestamp()
);
create unique index embedding_models_one_active on embedding_models (active) where active;
