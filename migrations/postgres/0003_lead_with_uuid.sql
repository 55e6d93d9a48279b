-- Here user_id goes on leading every index, so that the table can be
-- distributed by it; only the UUIDs of new tasks are others.
COMMENT ON COLUMN todod.tasks.uuid IS 'version 7, in the order of time';
