/*
 * The port to the public keys of an issuer elsewhere.  core judges tokens by
 * the set of keys (RFC 7517) that it was given last, and says when a token
 * names a key that is not in it; who fetches a set, from where and how often
 * is the daemon's business (its keeper process), or a test's.
 */
#ifndef TODOD_CORE_KEYSOURCE_H
#define TODOD_CORE_KEYSOURCE_H

enum keysource_answer {
	/* app_keys_arrived() follows, with a newer set or without one. */
	KEYSOURCE_FETCHING,
	/* A fetch has just ended: what is known now is all there is to know. */
	KEYSOURCE_RESTING,
};

struct keysource;
struct keysource_ops {
	/* A token names an unknown key, or there is no set yet.  Called in the
	 * loop's thread, often: it must be cheap and must not call back. */
	enum keysource_answer (*want)(struct keysource *source);
};

/* First member of an implementation's own struct. */
struct keysource {
	const struct keysource_ops *ops;
};

#endif
