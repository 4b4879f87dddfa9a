-- Recipes by name, and which ones a run meets.

-- name: note
insert into recipes (recipe, settings) values (%(recipe)s, %(settings)s::jsonb) on conflict (recipe) do nothing

-- name: by_recipe
select recipe, settings from recipes where recipe = any(%(recipes)s)

-- name: stored_otherwise
-- Of the videos that a run asked for: the ones left as they are, made by other settings than the run's.
select s.recipe, count(*) as n_videos
from run_videos r join sources s on s.source_id = r.video_id
where r.run_id = %(run_id)s and r.standing = 'stored_other_recipe'
group by s.recipe order by n_videos desc, s.recipe

-- name: begun_otherwise
-- Of the videos that a run works on: the ones with slices of another recipe that nothing served was cut
-- from. They are transcribed again from the start.
select c.recipe, count(distinct c.video_id) as n_videos
from run_videos r
join ingest_state i using (video_id)
join slices c on c.video_id = r.video_id and c.recipe <> %(recipe)s
left join sources s on s.source_id = c.video_id and s.recipe = c.recipe and s.edition = c.edition
where r.run_id = %(run_id)s and r.standing in ('new', 'again') and s.source_id is null
  and coalesce(i.redo, 'prepare') in ('fetch', 'prepare')
  and not exists (select from slices own where own.video_id = r.video_id
                  and own.recipe = %(recipe)s and own.edition = i.edition)
group by c.recipe order by n_videos desc, c.recipe
