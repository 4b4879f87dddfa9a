-- How a run went over time: queues, pools and what stages did, as pipelines/timeline.py keeps it. Apart from its
-- figures, which are read often and are small.

alter table runs add column course jsonb;
