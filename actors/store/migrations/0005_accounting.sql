-- What it takes to account for every word from the database alone.

-- Words of a slice as actors/text/wording.py counts them: those with a character that is neither white
-- space nor a control character; where an utterance has no words, the pieces of its text.
create function earmark_n_words(utterances jsonb) returns int language sql immutable parallel safe as $$
  select coalesce(sum(
    case when jsonb_array_length(spoken -> 'words') > 0 then (
      select count(*) from jsonb_array_elements(spoken -> 'words') word
      where word ->> 0 ~ '[^\u0001-\u0020\u007f-\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]'
    ) else (
      select count(*) from regexp_matches(
        spoken ->> 'text',
        '[^\u0009-\u000d\u001c-\u0020\u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]*'
        '[^\u0001-\u0020\u007f-\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]'
        '[^\u0009-\u000d\u001c-\u0020\u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]*', 'g')
    ) end), 0)::int
  from jsonb_array_elements(utterances) spoken
$$;

-- Kept by Postgres itself: it can't come to differ from the utterances.
alter table slices add column n_words int not null generated always as (earmark_n_words(utterances)) stored;

-- Words that segmenting left out as repetitions of a loop; null: stored before this was counted.
alter table sources add column n_words_collapsed int;

-- Until now nobody was identified, and no row said so.
update segments set speaker_method = 'unknown: no voice is enrolled' where speaker is null and speaker_method is null;
