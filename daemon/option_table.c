/*
 * Everything about each option, once: parsing, --help, --dump-config, the
 * example files and the man page's list are made from this.
 */
#include "config.h"

#include "daemon/option_table.h"

#include "core/password.h"

#define SECTION_PROCESS	 "Process"
#define SECTION_DATA	 "Data"
#define SECTION_NETWORK	 "Network"
#define SECTION_API	 "API"
#define SECTION_ACCOUNTS "Accounts and tokens"
#define SECTION_LIMITS	 "Rate limits"
#define SECTION_LOG	 "Log"

const struct option option_table[OPTION_COUNT] = {
	[OPTION_CONFIG] = {
		.name = "config",
		.variable = "TODOD_CONF",
		.section = SECTION_PROCESS,
		.traits = OPTION_IS_NO_KEY,
		.value = "FILE",
		.derived = TODOD_SYSCONFDIR "/todod/todod.conf if it exists",
		.help = "The configuration file.",
	},
	[OPTION_ENVIRONMENT] = {
		.name = "environment",
		.variable = "ENVIRONMENT",
		.section = SECTION_PROCESS,
		.type = OPTION_CHOICE,
		.traits = OPTION_NEEDS_RESTART,
		.value = "NAME",
		.derived =
			"development on SQLite and in memory, else production",
		.choices = "development production",
		.help = "development or production: what the defaults are and\n"
			"how strict it is. .env is read in development only.",
	},
	[OPTION_USER] = {
		.name = "user",
		.variable = "TODOD_USER",
		.section = SECTION_PROCESS,
		.traits = OPTION_NEEDS_RESTART,
		.value = "NAME",
		.derived =
			"todod in production, the owner of the data folder in "
			   "development",
		.help = "The user to become when started as root.",
	},
	[OPTION_WORKERS] = {
		.name = "workers",
		.variable = "WORKERS",
		.section = SECTION_PROCESS,
		.type = OPTION_NUMBER,
		.min = 1,
		.max = 64,
		.value = "N",
		.derived = "the CPUs todod may use, at most 8; 1 in memory",
		.help = "Worker processes.",
	},
	[OPTION_DRAIN_TIMEOUT] = {
		.name = "drain-timeout",
		.variable = "DRAIN_TIMEOUT",
		.section = SECTION_PROCESS,
		.type = OPTION_NUMBER,
		.min = 0,
		.max = 3600,
		.value = "SECONDS",
		.fallback = "25",
		.help = "How long a stop waits for requests in flight.",
	},
	[OPTION_DATABASE_URL] = {
		.name = "database-url",
		.variable = "DATABASE_URL",
		.section = SECTION_DATA,
		.traits = OPTION_NEEDS_RESTART | OPTION_HIDES_PASSWORD,
		.value = "URL",
		.derived = "todod.db in the data folder",
		.help = "sqlite:///todod.db (relative), sqlite:////var/x.db\n"
			"(absolute), memory: (gone with the process),\n"
			"postgresql://user:password@host/database.",
	},
	[OPTION_DATABASE_URL_UNPOOLED] = {
		.name = "database-url-unpooled",
		.variable = "DATABASE_URL_UNPOOLED",
		.section = SECTION_DATA,
		.traits = OPTION_NEEDS_RESTART | OPTION_HIDES_PASSWORD,
		.value = "URL",
		.derived = "DIRECT_URL, else the database URL",
		.help = "PostgreSQL without the pooler, for migrations.",
	},
	[OPTION_DIRECT_URL] = {
		.name = "direct-url",
		.variable = "DIRECT_URL",
		.section = SECTION_DATA,
		.traits = OPTION_NEEDS_RESTART | OPTION_HIDES_PASSWORD,
		.value = "URL",
		.derived = "none",
		.help = "Another name for database-url-unpooled.",
	},
	[OPTION_DATABASE_POOLED] = {
		.name = "database-pooled",
		.variable = "DATABASE_POOLED",
		.section = SECTION_DATA,
		.type = OPTION_CHOICE,
		.traits = OPTION_NEEDS_RESTART,
		.value = "auto|yes|no",
		.fallback = "auto",
		.choices = "auto yes no",
		.help = "Whether PgBouncer or the like is between todod and\n"
			"PostgreSQL. auto: when the host has -pooler in its\n"
			"name, the port is 6432 or the URL has pgbouncer=true.",
	},
	[OPTION_AUTO_MIGRATE] = {
		.name = "auto-migrate",
		.variable = "AUTO_MIGRATE",
		.section = SECTION_DATA,
		.type = OPTION_SWITCH,
		.traits = OPTION_NEEDS_RESTART,
		.value = "yes|no",
		.fallback = "no",
		.help = "Bring the schema of PostgreSQL up to date at start,\n"
			"as todod migrate does. On SQLite that is always done.",
	},
	[OPTION_DB_POOL_SIZE] = {
		.name = "db-pool-size",
		.variable = "DB_POOL_SIZE",
		.section = SECTION_DATA,
		.type = OPTION_NUMBER,
		.min = 2,
		.max = 1000,
		.value = "N",
		.derived = "20, or two for each worker if that is more",
		.help = "Connections to PostgreSQL at most, over all workers.",
	},
	[OPTION_DB_CONNECT_TIMEOUT] = {
		.name = "db-connect-timeout",
		.variable = "DB_CONNECT_TIMEOUT",
		.section = SECTION_DATA,
		.type = OPTION_NUMBER,
		.min = 1,
		.max = 300,
		.value = "SECONDS",
		.derived = "connect_timeout of the URL, else 12 "
			   "(30 to migrate)",
		.help = "How long a connection to PostgreSQL may take to open.",
	},
	[OPTION_DB_WAIT_TIMEOUT] = {
		.name = "db-wait-timeout",
		.variable = "DB_WAIT_TIMEOUT",
		.section = SECTION_DATA,
		.type = OPTION_NUMBER,
		.min = 1,
		.max = 300,
		.value = "SECONDS",
		.fallback = "2",
		.help = "How long a request waits for a connection before it\n"
			"is answered 503.",
	},
	[OPTION_DB_IDLE_TIMEOUT] = {
		.name = "db-idle-timeout",
		.variable = "DB_IDLE_TIMEOUT",
		.section = SECTION_DATA,
		.type = OPTION_NUMBER,
		.min = 1,
		.max = 86400,
		.value = "SECONDS",
		.fallback = "60",
		.help = "A connection to PostgreSQL that was idle for so long\n"
			"is closed.",
	},
	[OPTION_DATA_DIR] = {
		.name = "data-dir",
		.variable = "DATA_DIR",
		.section = SECTION_DATA,
		.traits = OPTION_NEEDS_RESTART,
		.value = "DIR",
		.derived = ". in development, /var/lib/todod in production",
		.help = "The folder of todod.db when no URL is given, and on\n"
			"PostgreSQL of the keys that were fetched last.",
	},
	[OPTION_REQUEST_TIMEOUT] = {
		.name = "request-timeout",
		.variable = "REQUEST_TIMEOUT",
		.section = SECTION_DATA,
		.type = OPTION_NUMBER,
		.min = 1,
		.max = 300,
		.value = "SECONDS",
		.fallback = "10",
		.help = "How long one step of the database may take before\n"
			"the request is answered 503.",
	},
	[OPTION_HEALTH_DB_MAX_AGE] = {
		.name = "health-db-max-age",
		.variable = "HEALTH_DB_MAX_AGE",
		.section = SECTION_DATA,
		.type = OPTION_NUMBER,
		.min = 1,
		.max = 86400,
		.value = "SECONDS",
		.fallback = "30",
		.help = "After a failure of the database /api/health asks it\n"
			"again, at most once in so long over all workers.",
	},
	[OPTION_HOST] = {
		.name = "host",
		.variable = "HOST",
		.section = SECTION_NETWORK,
		.traits = OPTION_NEEDS_RESTART,
		.value = "LIST",
		.derived =
			"127.0.0.1,::1 in development; in production ::, which "
			   "is IPv4 too",
		.help = "Where to listen: addresses, names and unix:/path,\n"
			"separated by commas.",
	},
	[OPTION_PORT] = {
		.name = "port",
		.variable = "PORT",
		.section = SECTION_NETWORK,
		.type = OPTION_NUMBER,
		.min = 0,
		.max = 65535,
		.traits = OPTION_NEEDS_RESTART,
		.value = "N",
		.fallback = "8000",
		.help = "The TCP port; 0 picks a free one.",
	},
	[OPTION_MAX_CONNECTIONS] = {
		.name = "max-connections",
		.variable = "MAX_CONNECTIONS",
		.section = SECTION_NETWORK,
		.type = OPTION_NUMBER,
		.min = 1,
		.max = 1000000,
		.value = "N",
		.derived = "what the limit of open files allows, at most 10000",
		.help = "Connections of one worker; more wait to be accepted.",
	},
	[OPTION_MAX_CONNECTIONS_PER_CLIENT] = {
		.name = "max-connections-per-client",
		.variable = "MAX_CONNECTIONS_PER_CLIENT",
		.section = SECTION_NETWORK,
		.type = OPTION_NUMBER,
		.min = 0,
		.max = 1000000,
		.value = "N",
		.fallback = "0",
		.help = "Of these, from one address (IPv6: one /64); one more\n"
			"is answered 503 and closed. Behind a trusted proxy:\n"
			"requests of one client at a time. 0: any number.",
	},
	[OPTION_IDLE_TIMEOUT] = {
		.name = "idle-timeout",
		.variable = "IDLE_TIMEOUT",
		.section = SECTION_NETWORK,
		.type = OPTION_NUMBER,
		.min = 1,
		.max = 3600,
		.value = "SECONDS",
		.fallback = "75",
		.help = "A connection that was idle for so long is closed;\n"
			"more than what a proxy in front has.",
	},
	[OPTION_HEAD_TIMEOUT] = {
		.name = "head-timeout",
		.variable = "HEAD_TIMEOUT",
		.section = SECTION_NETWORK,
		.type = OPTION_NUMBER,
		.min = 1,
		.max = 3600,
		.value = "SECONDS",
		.fallback = "10",
		.help = "How long the request line and the headers may take\n"
			"from their first byte on, before it is answered 408.",
	},
	[OPTION_BODY_TIMEOUT] = {
		.name = "body-timeout",
		.variable = "BODY_TIMEOUT",
		.section = SECTION_NETWORK,
		.type = OPTION_NUMBER,
		.min = 1,
		.max = 3600,
		.value = "SECONDS",
		.fallback = "20",
		.help = "How long the body may take.",
	},
	[OPTION_SEND_TIMEOUT] = {
		.name = "send-timeout",
		.variable = "SEND_TIMEOUT",
		.section = SECTION_NETWORK,
		.type = OPTION_NUMBER,
		.min = 1,
		.max = 3600,
		.value = "SECONDS",
		.fallback = "30",
		.help = "How long an answer may wait to be taken, and a\n"
			"second more for each 8 KiB the client took, before\n"
			"the connection is reset.",
	},
	[OPTION_TRUSTED_PROXIES] = {
		.name = "trusted-proxies",
		.variable = "TRUSTED_PROXIES",
		.section = SECTION_NETWORK,
		.traits = OPTION_MAY_BE_EMPTY,
		.value = "LIST",
		.derived = "none, and clients of a proxy on a private address "
			   "are not counted by their address",
		.help = "Proxies that are believed about their clients\n"
			"(X-Forwarded-For, Forwarded, …): addresses and\n"
			"networks (10.0.0.0/8) between commas, or the words\n"
			"unix, loopback, private and none.",
	},
	[OPTION_PROXY_PROTOCOL] = {
		.name = "proxy-protocol",
		.variable = "PROXY_PROTOCOL",
		.section = SECTION_NETWORK,
		.type = OPTION_SWITCH,
		.value = "yes|no",
		.fallback = "no",
		.help = "Trusted proxies begin each connection with a PROXY\n"
			"header (version 1 or 2) that names their client.",
	},
	[OPTION_REQUIRE_HTTPS] = {
		.name = "require-https",
		.variable = "REQUIRE_HTTPS",
		.section = SECTION_NETWORK,
		.type = OPTION_SWITCH,
		.value = "yes|no",
		.fallback = "no",
		.help = "Send clients that a proxy says came by http to\n"
			"https, and let browsers stay there (HSTS). Health\n"
			"checks are exempt.",
	},
	[OPTION_TLS_CERT] = {
		.name = "tls-cert",
		.variable = "TLS_CERT",
		.section = SECTION_NETWORK,
		.value = "FILE",
		.derived = "none",
		.help = "A certificate (PEM), followed by those that lead to\n"
			"its authority. All TCP ports speak HTTPS then, unix\n"
			"sockets do not. A reload reads it again.",
	},
	[OPTION_TLS_KEY] = {
		.name = "tls-key",
		.variable = "TLS_KEY",
		.section = SECTION_NETWORK,
		.value = "FILE",
		.derived = "the file of the certificate",
		.help = "The key of the certificate (PEM, not encrypted).",
	},
	[OPTION_TASKS_DIALECT] = {
		.name = "tasks-dialect",
		.variable = "TASKS_DIALECT",
		.section = SECTION_API,
		.type = OPTION_CHOICE,
		.value = "NAME",
		.fallback = "multiuser",
		.choices = "multiuser secured",
		.help = "Whose API is at /api/{user_id}/tasks.",
	},
	[OPTION_ACCOUNTS] = {
		.name = "accounts",
		.variable = "ACCOUNTS",
		.section = SECTION_API,
		.type = OPTION_SWITCH,
		.value = "on|off",
		.derived = "on with the dialect multiuser, unless tokens come "
			   "from elsewhere and no JWT_SECRET_KEY is set",
		.help = "Whether people can sign up and in here.",
	},
	[OPTION_CORS_ORIGINS] = {
		.name = "cors-origins",
		.variable = "CORS_ORIGINS",
		.section = SECTION_API,
		.traits = OPTION_MAY_BE_EMPTY,
		.value = "LIST",
		.derived = "in development ports 3000, 3001 and 5173 of this "
			   "machine, in production none",
		.help = "Origins whose pages may call the API, separated by\n"
			"commas: https://app.example.com, or with one * for a\n"
			"label of the host: https://*.vercel.app",
	},
	[OPTION_FRONTEND_BASE_URL] = {
		.name = "frontend-base-url",
		.variable = "FRONTEND_BASE_URL",
		.section = SECTION_API,
		.value = "URL",
		.derived = "none",
		.help = "Its origin is added to the CORS origins.",
	},
	[OPTION_JWT_SECRET_KEY] = {
		.name = "jwt-secret-key",
		.variable = "JWT_SECRET_KEY",
		.section = SECTION_ACCOUNTS,
		.traits = OPTION_IS_SECRET,
		.value = "SECRET",
		.derived =
			"in development made once and kept beside the database "
			   "when accounts are on",
		.help = "Signs the tokens; at least 32 bytes, required in\n"
			"production when accounts are on:\n"
			"openssl rand -base64 48",
	},
	[OPTION_JWT_SECRET_KEY_FILE] = {
		.name = "jwt-secret-key-file",
		.variable = "JWT_SECRET_KEY_FILE",
		.section = SECTION_ACCOUNTS,
		.value = "FILE",
		.derived = "none",
		.help = "A file with the secret, instead of the secret itself.",
	},
	[OPTION_JWT_ALLOW_WEAK_SECRET] = {
		.name = "jwt-allow-weak-secret",
		.variable = "JWT_ALLOW_WEAK_SECRET",
		.section = SECTION_ACCOUNTS,
		.type = OPTION_SWITCH,
		.value = "yes|no",
		.fallback = "no",
		.help = "Start in spite of a secret that can be guessed;\n"
			"in development only.",
	},
	[OPTION_BETTER_AUTH_SECRET] = {
		.name = "better-auth-secret",
		.variable = "BETTER_AUTH_SECRET",
		.section = SECTION_ACCOUNTS,
		.traits = OPTION_IS_SECRET,
		.value = "SECRET",
		.derived = "none",
		.help = "A secret shared with the server that issues tokens\n"
			"(HS256); at least 32 bytes.",
	},
	[OPTION_BETTER_AUTH_SECRET_FILE] = {
		.name = "better-auth-secret-file",
		.variable = "BETTER_AUTH_SECRET_FILE",
		.section = SECTION_ACCOUNTS,
		.value = "FILE",
		.derived = "none",
		.help = "A file with that secret.",
	},
	[OPTION_BETTER_AUTH_URL] = {
		.name = "better-auth-url",
		.variable = "BETTER_AUTH_URL",
		.section = SECTION_ACCOUNTS,
		.value = "URL",
		.derived = "none",
		.help = "The Better Auth server whose users come with its\n"
			"tokens. Its keys are at URL/api/auth/jwks.",
	},
	[OPTION_JWKS_URL] = {
		.name = "jwks-url",
		.variable = "JWKS_URL",
		.section = SECTION_ACCOUNTS,
		.value = "URL",
		.derived = "found from the Better Auth URL",
		.help = "Where an issuer of tokens shows its keys (a JWKS).",
	},
	[OPTION_JWKS_FILE] = {
		.name = "jwks-file",
		.variable = "JWKS_FILE",
		.section = SECTION_ACCOUNTS,
		.value = "FILE",
		.derived = "none",
		.help = "A file with these keys, instead of a URL. It is read\n"
			"again when it changes.",
	},
	[OPTION_JWKS_CA_FILE] = {
		.name = "jwks-ca-file",
		.variable = "JWKS_CA_FILE",
		.section = SECTION_ACCOUNTS,
		.value = "FILE",
		.derived = "the system's authorities",
		.help = "The authorities (PEM) that vouch for the host of the\n"
			"URL.",
	},
	[OPTION_JWKS_ALLOW_HTTP] = {
		.name = "jwks-allow-http",
		.variable = "JWKS_ALLOW_HTTP",
		.section = SECTION_ACCOUNTS,
		.type = OPTION_SWITCH,
		.value = "yes|no",
		.fallback = "no",
		.help = "Take a URL of http:// that is not on this machine:\n"
			"whoever is on the way can be every user.",
	},
	[OPTION_JWKS_CACHE_TTL] = {
		.name = "jwks-cache-ttl",
		.variable = "JWKS_CACHE_TTL",
		.section = SECTION_ACCOUNTS,
		.type = OPTION_NUMBER,
		.min = 1,
		.max = 604800,
		.value = "SECONDS",
		.fallback = "3600",
		.help = "How old the keys may get before they are fetched\n"
			"again.",
	},
	[OPTION_JWKS_TIMEOUT] = {
		.name = "jwks-timeout",
		.variable = "JWKS_TIMEOUT",
		.section = SECTION_ACCOUNTS,
		.type = OPTION_NUMBER,
		.min = 1,
		.max = 60,
		.value = "SECONDS",
		.fallback = "5",
		.help = "How long fetching the keys may take.",
	},
	[OPTION_JWKS_COOL_DOWN] = {
		.name = "jwks-cool-down",
		.variable = "JWKS_COOL_DOWN",
		.section = SECTION_ACCOUNTS,
		.type = OPTION_NUMBER,
		.min = 1,
		.max = 3600,
		.value = "SECONDS",
		.fallback = "10",
		.help = "The least time between two fetches, however many\n"
			"tokens name an unknown key.",
	},
	[OPTION_JWT_ISSUER] = {
		.name = "jwt-issuer",
		.variable = "JWT_ISSUER",
		.section = SECTION_ACCOUNTS,
		.value = "TEXT",
		.derived = "any",
		.help = "What a token from elsewhere must have in iss.",
	},
	[OPTION_JWT_AUDIENCE] = {
		.name = "jwt-audience",
		.variable = "JWT_AUDIENCE",
		.section = SECTION_ACCOUNTS,
		.value = "TEXT",
		.derived = "any",
		.help = "What a token from elsewhere must have in aud.",
	},
	[OPTION_JWT_REQUIRE_EXP] = {
		.name = "jwt-require-exp",
		.variable = "JWT_REQUIRE_EXP",
		.section = SECTION_ACCOUNTS,
		.type = OPTION_SWITCH,
		.value = "yes|no",
		.fallback = "yes",
		.help = "Refuse tokens that never expire. no takes them from\n"
			"who has a shared secret, never by a JWKS.",
	},
	[OPTION_HASH_MEMORY_KIB] = {
		.name = "hash-memory-kib",
		.variable = "HASH_MEMORY_KIB",
		.section = SECTION_ACCOUNTS,
		.type = OPTION_NUMBER,
		.min = PASSWORD_MEMORY_KIB_MIN,
		.max = PASSWORD_MEMORY_KIB_MAX,
		.value = "KIB",
		.fallback = "19456",
		.help = "Memory of one password hash (argon2id).",
	},
	[OPTION_HASH_PASSES] = {
		.name = "hash-passes",
		.variable = "HASH_PASSES",
		.section = SECTION_ACCOUNTS,
		.type = OPTION_NUMBER,
		.min = PASSWORD_PASSES_MIN,
		.max = PASSWORD_PASSES_MAX,
		.value = "N",
		.fallback = "2",
		.help = "Passes of one password hash.",
	},
	[OPTION_HASH_THREADS] = {
		.name = "hash-threads",
		.variable = "HASH_THREADS",
		.section = SECTION_ACCOUNTS,
		.type = OPTION_NUMBER,
		.min = 1,
		.max = 64,
		.value = "N",
		.derived = "the CPUs todod may use",
		.help = "Password hashes at the same time, over all workers.",
	},
	[OPTION_HASH_QUEUE] = {
		.name = "hash-queue",
		.variable = "HASH_QUEUE",
		.section = SECTION_ACCOUNTS,
		.type = OPTION_NUMBER,
		.min = 1,
		.max = 10000,
		.value = "N",
		.fallback = "256",
		.help = "Password hashes that may wait in one worker; one\n"
			"more is answered 503.",
	},
	[OPTION_RATE_LIMIT] = {
		.name = "rate-limit",
		.variable = "RATE_LIMIT",
		.section = SECTION_LIMITS,
		.type = OPTION_SWITCH,
		.value = "on|off",
		.fallback = "on",
		.help = "off switches all of these off, for load tests.",
	},
	[OPTION_RATE_LIMIT_SIGNIN] = {
		.name = "rate-limit-signin",
		.variable = "RATE_LIMIT_SIGNIN",
		.section = SECTION_LIMITS,
		.value = "N/TIME",
		.fallback = "60/m",
		.help = "Tries to sign in from one address: how many in what\n"
			"time, 60/m, 20/30s, 1000/h, or off. One more is\n"
			"answered 429.",
	},
	[OPTION_RATE_LIMIT_SIGNUP] = {
		.name = "rate-limit-signup",
		.variable = "RATE_LIMIT_SIGNUP",
		.section = SECTION_LIMITS,
		.value = "N/TIME",
		.fallback = "100/h",
		.help = "Tries to sign up from one address.",
	},
	[OPTION_RATE_LIMIT_ACCOUNT] = {
		.name = "rate-limit-account",
		.variable = "RATE_LIMIT_ACCOUNT",
		.section = SECTION_LIMITS,
		.value = "N/TIME",
		.fallback = "100/h",
		.help = "Tries to sign in, and to sign up, with one e-mail\n"
			"address from anywhere. A right password starts anew.",
	},
	[OPTION_RATE_LIMIT_ADDRESS] = {
		.name = "rate-limit-address",
		.variable = "RATE_LIMIT_ADDRESS",
		.section = SECTION_LIMITS,
		.value = "N/TIME",
		.fallback = "off",
		.help = "Requests of any kind from one address.",
	},
	[OPTION_RATE_LIMIT_USER] = {
		.name = "rate-limit-user",
		.variable = "RATE_LIMIT_USER",
		.section = SECTION_LIMITS,
		.value = "N/TIME",
		.fallback = "off",
		.help = "Requests with the tokens of one user.",
	},
	[OPTION_LOG_LEVEL] = {
		.name = "log-level",
		.variable = "LOG_LEVEL",
		.section = SECTION_LOG,
		.type = OPTION_CHOICE,
		.value = "LEVEL",
		.fallback = "info",
		.choices = "debug info warn error",
		.help = "The least level that is logged: debug, info, warn or\n"
			"error.",
	},
	[OPTION_LOG_FORMAT] = {
		.name = "log-format",
		.variable = "LOG_FORMAT",
		.section = SECTION_LOG,
		.type = OPTION_CHOICE,
		.value = "json|text",
		.derived = "text when stderr is a terminal, else json",
		.choices = "json text",
		.help = "What a line of the log looks like.",
	},
};
