-- Local accounts. The e-mail address is stored in lower case. Times are
-- microseconds since 1970-01-01 UTC, as in the other database: exact, without
-- a zone, and sent as they are.
CREATE TABLE todod.users (
	id uuid NOT NULL PRIMARY KEY,
	email text COLLATE "C" NOT NULL UNIQUE
		CHECK (octet_length(email) BETWEEN 1 AND 254),
	name text NOT NULL CHECK (char_length(name) BETWEEN 2 AND 100),
	password_hash text NOT NULL
		CHECK (octet_length(password_hash) BETWEEN 1 AND 255),
	created_at bigint NOT NULL
);
