-- A new task changes as few pages of the file as can be: UUIDs are in the order
-- of time and lead their index, so that new ones are neighbours, whoever they
-- belong to; and a whole list is merged from the two halves that the index of
-- the filtered lists has, for which it needs none of its own.
CREATE TABLE new_tasks (
	id INTEGER PRIMARY KEY AUTOINCREMENT
		CHECK (id BETWEEN 1 AND 9007199254740991),
	uuid BLOB NOT NULL CHECK (length(uuid) = 16),
	user_id TEXT NOT NULL CHECK (length(user_id) BETWEEN 1 AND 255),
	title TEXT NOT NULL CHECK (length(title) BETWEEN 1 AND 500),
	title_folded TEXT NOT NULL,
	description TEXT CHECK (length(description) <= 2000),
	description_folded TEXT
		CHECK ((description IS NULL) = (description_folded IS NULL)),
	completed INTEGER NOT NULL CHECK (completed IN (0, 1)),
	created_at INTEGER NOT NULL,
	updated_at INTEGER NOT NULL,
	UNIQUE (uuid, user_id)
) STRICT;
INSERT INTO new_tasks
	SELECT id, uuid, user_id, title, title_folded, description,
		description_folded, completed, created_at, updated_at
	FROM tasks ORDER BY id;
-- Ids of tasks that are gone stay used.
DELETE FROM sqlite_sequence WHERE name = 'new_tasks';
INSERT INTO sqlite_sequence (name, seq)
	SELECT 'new_tasks', seq FROM sqlite_sequence WHERE name = 'tasks';
DROP TABLE tasks;
ALTER TABLE new_tasks RENAME TO tasks;
CREATE INDEX tasks_by_completed
	ON tasks (user_id, completed, created_at DESC, id DESC);
