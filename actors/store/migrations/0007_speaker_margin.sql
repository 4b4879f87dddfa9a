-- How clearly the speaker was told from the next nearest voice: the distance of the two cosines.

alter table segments add column speaker_margin double precision;
