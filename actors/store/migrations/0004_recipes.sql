-- What a recipe stands for, and doing a stored video again while its old rows are served.

create table recipes (
  recipe  text primary key,
  settings jsonb not null,                       -- name of the setting ("transcribe.model") → value
  seen_at timestamptz not null default clock_timestamp()
);

-- The same recipe may be carried out twice: the slices of the first time belong to what is served
-- until the second is stored.
create sequence slice_editions;

alter table ingest_state
  add column edition bigint not null default 0,  -- of the attempt in hand, or of the last one
  add column redo text                           -- where doing it again begins; null: nothing is to be done again
    check (redo in ('fetch', 'prepare', 'segment', 'embed'));

alter table slices add column edition bigint not null default 0;
alter table slices drop constraint slices_pkey;
alter table slices add primary key (video_id, recipe, edition, ordinal);

alter table sources add column edition bigint not null default 0; -- of the slices that the text was cut from
