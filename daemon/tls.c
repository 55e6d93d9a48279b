/* The rules that all connections have in common. */
#include "config.h"

#include "daemon/tls.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/log.h"
#include "core/timestamp.h"
#include "daemon/fault.h"
#include "daemon/tlsbio.h"
#include "daemon/tlsfile.h"
#include "daemon/tlsticket.h"

#define IV_BYTES 16

struct tls {
	SSL_CTX *context;
	BIO_METHOD *bio_method;
	struct tlsticket_keys tickets;
	char *certificate_file;
	char *key_file;
	int64_t begins_us;
	int64_t ends_us;
};

bool tls_is_built_in(void)
{
	return true;
}

const char *tls_library(void)
{
	return "libssl " OPENSSL_VERSION_STR;
}

/* RFC 7301: what else a client may speak, this server does not. */
static int on_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_len,
		   const unsigned char *in, unsigned in_len, void *arg)
{
	static const unsigned char http[] = "\x08http/1.1";
	unsigned char *chosen = NULL;

	(void)ssl;
	(void)arg;
	if (SSL_select_next_proto(&chosen, out_len, http, sizeof(http) - 1, in,
				  in_len) != OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	*out = chosen;
	return SSL_TLSEXT_ERR_OK;
}

static bool set_mac_key(EVP_MAC_CTX *mac, const struct tlsticket_key *key)
{
	unsigned char bytes[TLSTICKET_KEY_BYTES];
	char digest[] = "SHA256";
	OSSL_PARAM params[3];
	bool is_set;

	/* The parameter's type knows no const. */
	memcpy(bytes, key->mac, sizeof(bytes));
	params[0] = OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, bytes,
						      sizeof(bytes));
	params[1] = OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST,
						     digest, 0);
	params[2] = OSSL_PARAM_construct_end();
	is_set = EVP_MAC_CTX_set_params(mac, params) == 1;
	explicit_bzero(bytes, sizeof(bytes));
	return is_set;
}

static int seal(const struct tlsticket_key *key, unsigned char *name,
		unsigned char *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac)
{
	memcpy(name, key->name, TLSTICKET_NAME_BYTES);
	if (RAND_bytes(iv, IV_BYTES) != 1 ||
	    EVP_EncryptInit_ex(cipher, EVP_aes_256_cbc(), NULL, key->cipher,
			       iv) != 1 ||
	    !set_mac_key(mac, key))
		return -1;
	return 1;
}

/* What SSL_CTX_set_tlsext_ticket_key_evp_cb(3) wants.  The time is looked at
 * here, because nothing else happens in a worker at the end of a period. */
static int on_ticket(SSL *ssl, unsigned char *name, unsigned char *iv,
		     EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int is_sealing)
{
	struct tls *tls = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
	const struct tlsticket_key *key;

	tls_advance(tls, clock_monotonic_us());
	if (is_sealing)
		return seal(&tls->tickets.current, name, iv, cipher, mac);
	key = tlsticket_find(&tls->tickets, name);
	if (!key)
		return 0; /* a whole handshake then */
	if (!set_mac_key(mac, key) ||
	    EVP_DecryptInit_ex(cipher, EVP_aes_256_cbc(), NULL, key->cipher,
			       iv) != 1)
		return -1;
	return key == &tls->tickets.current ? 1 : 2;
}

static bool set_rules(struct tls *tls)
{
	SSL_CTX *context = tls->context;

	if (SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1 ||
	    SSL_CTX_set_tlsext_ticket_key_evp_cb(context, on_ticket) != 1)
		return false;
	/* A client that closes without a word has said all of its request: how
	 * long that is, HTTP says. */
	SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION |
					     SSL_OP_NO_COMPRESSION |
					     SSL_OP_CIPHER_SERVER_PREFERENCE |
					     SSL_OP_PRIORITIZE_CHACHA |
					     SSL_OP_IGNORE_UNEXPECTED_EOF);
	/* An idle connection has no buffers.  Partial writes stay off:
	 * libevent goes on with the next piece after one. */
	SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
	/* Sessions live in tickets only: a client can resume one at any
	 * worker, and none is kept here. */
	(void)SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_alpn_select_cb(context, on_alpn, NULL);
	(void)SSL_CTX_set_app_data(context, tls);
	return true;
}

static void format_time(int64_t time_us, char out[TIMESTAMP_LEN + 1])
{
	timestamp_format(time_us, out);
	out[TIMESTAMP_LEN] = '\0';
}

static void warn_of_time(const struct tls *tls)
{
	int64_t now_us = clock_wall_us();
	char time[TIMESTAMP_LEN + 1];

	if (now_us < tls->begins_us) {
		format_time(tls->begins_us, time);
		log_event(LOG_WARN, "the certificate is not valid yet",
			  LOG_STRING("file", tls->certificate_file),
			  LOG_STRING("begins", time));
	} else if (now_us > tls->ends_us) {
		format_time(tls->ends_us, time);
		log_event(LOG_WARN, "the certificate has expired",
			  LOG_STRING("file", tls->certificate_file),
			  LOG_STRING("expires", time));
	}
}

static enum err load(struct tls *tls, const char *certificate_file,
		     const char *key_file, struct fault *fault)
{
	enum err err;

	tls->certificate_file = strdup(certificate_file);
	tls->key_file = strdup(key_file);
	tls->bio_method = tlsbio_method_new();
	tls->context = SSL_CTX_new(TLS_server_method());
	if (!tls->certificate_file || !tls->key_file || !tls->bio_method ||
	    !tls->context || !set_rules(tls))
		return ERR_NO_MEMORY;
	err = tlsfile_load(tls->context, certificate_file, key_file,
			   &tls->begins_us, &tls->ends_us, fault);
	if (err == ERR_OK)
		warn_of_time(tls);
	return err;
}

enum err tls_new(const char *certificate_file, const char *key_file,
		 struct tls **out, struct fault *fault)
{
	struct tls *tls = calloc(1, sizeof(*tls));
	enum err err;

	if (!tls)
		return ERR_NO_MEMORY;
	tlsticket_init(&tls->tickets, clock_monotonic_us());
	err = load(tls, certificate_file, key_file, fault);
	if (err == ERR_OK)
		*out = tls;
	else
		tls_free(&tls);
	return err;
}

void tls_free(struct tls **tls)
{
	if (!*tls)
		return;
	SSL_CTX_free((*tls)->context);
	BIO_meth_free((*tls)->bio_method);
	tlsticket_release(&(*tls)->tickets);
	free((*tls)->certificate_file);
	free((*tls)->key_file);
	free(*tls);
	*tls = NULL;
}

void tls_log(const struct tls *tls)
{
	char time[TIMESTAMP_LEN + 1];

	format_time(tls->ends_us, time);
	log_event(LOG_INFO, "certificate",
		  LOG_STRING("file", tls->certificate_file),
		  LOG_STRING("expires", time));
	if (access(tls->key_file, R_OK) != 0)
		log_event(LOG_WARN,
			  "the key of TLS was read as root: a reload will be "
			  "refused, because it cannot",
			  LOG_STRING("file", tls->key_file));
}

void tls_advance(struct tls *tls, int64_t now_us)
{
	tlsticket_advance(&tls->tickets, now_us);
}

struct ssl_st *tls_session_new(struct tls *tls)
{
	return SSL_new(tls->context);
}

const struct bio_method_st *tls_bio_method(const struct tls *tls)
{
	return tls->bio_method;
}
