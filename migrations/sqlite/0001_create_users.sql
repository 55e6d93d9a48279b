-- Local accounts. The e-mail address is stored in lower case. Times are
-- microseconds since 1970-01-01 UTC.
CREATE TABLE users (
	id TEXT NOT NULL PRIMARY KEY CHECK (length(id) = 36),
	email TEXT NOT NULL UNIQUE CHECK (length(email) BETWEEN 1 AND 254),
	name TEXT NOT NULL CHECK (length(name) BETWEEN 2 AND 100),
	password_hash TEXT NOT NULL
		CHECK (length(password_hash) BETWEEN 1 AND 255),
	created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
