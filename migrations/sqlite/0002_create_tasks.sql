-- The tasks of all users, whether their accounts are here or elsewhere: user_id
-- is no foreign key. An id is never used again and fits into a double.
CREATE TABLE tasks (
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
	UNIQUE (user_id, uuid)
) STRICT;

-- A page of a list, whole or filtered, is one range of an index: however many
-- tasks a user has, a page costs its own rows.
CREATE INDEX tasks_newest_first
	ON tasks (user_id, created_at DESC, id DESC);
CREATE INDEX tasks_by_completed
	ON tasks (user_id, completed, created_at DESC, id DESC);
