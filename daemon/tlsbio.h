/*
 * Where OpenSSL reads from: the socket, after what a proxy may say first, and
 * with a look at the client's first byte.  What is certainly no TLS gets an
 * answer in plain HTTP, and then seems to have ended.
 */
#ifndef TODOD_DAEMON_TLSBIO_H
#define TODOD_DAEMON_TLSBIO_H

struct bio_method_st;
struct bio_st;
struct preface;

/* From BIO_meth_new(), one for all; NULL when there is no memory. */
struct bio_method_st *tlsbio_method_new(void);

/* A BIO that only reads; fd and preface, which may be NULL, are borrowed.  NULL
 * when there is no memory. */
struct bio_st *tlsbio_new(const struct bio_method_st *method, int fd,
			  struct preface *preface);

#endif
