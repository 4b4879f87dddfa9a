-- Embedding models and their tables. {table}, {index} and {dim} are filled in by psycopg.sql.

-- name: take_turns
-- Until the transaction ends: two processes don't make one table at once.
lock table embedding_models in share row exclusive mode

-- name: by_name
select id, name, dim, table_name, active from embedding_models where name = %(name)s

-- name: active
select id, name, dim, table_name, active from embedding_models where active

-- name: all
select id, name, dim, table_name, active from embedding_models order by id

-- name: create_table
create table {table} (
  source_id text not null,
  ordinal   int not null,
  embedding halfvec({dim}) not null,
  primary key (source_id, ordinal),
  foreign key (source_id, ordinal) references segments on delete cascade
)

-- name: create_index
create index {index} on {table} using hnsw (embedding halfvec_cosine_ops)

-- name: is_empty
select not exists (select from {table}) as empty

-- name: drop_table
drop table {table}

-- name: enter
insert into embedding_models (name, dim, table_name, active)
values (%(name)s, %(dim)s, %(table_name)s, not exists (select from embedding_models where active))
returning id, name, dim, table_name, active

-- name: deactivate
update embedding_models set active = false where active

-- name: activate
update embedding_models set active = true where name = %(name)s returning id, name, dim, table_name, active

-- name: forget
delete from embedding_models where name = %(name)s

-- name: of_texts
-- Of a stored video's segments that hold these very texts.
select g.text, e.embedding from segments g join {table} e using (source_id, ordinal)
where g.source_id = %(video_id)s and g.text = any(%(texts)s)

-- name: missing
select count(*) as n from segments g
where not exists (select from {table} e where e.source_id = g.source_id and e.ordinal = g.ordinal)
