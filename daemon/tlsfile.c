/* Reading PEM. */
#include "config.h"

#include "daemon/tlsfile.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "core/text.h"
#include "daemon/fault.h"
#include "daemon/safefile.h"

#define FILE_MAX_BYTES (256 * 1024)

struct loader {
	SSL_CTX *context;
	struct fault *fault;
};

/* What is read from; the bytes are wiped with it, for there is a key in them.
 */
struct pem {
	char *bytes;
	size_t len;
	BIO *bio;
};

static void pem_close(struct pem *pem)
{
	BIO_free(pem->bio);
	if (pem->bytes)
		explicit_bzero(pem->bytes, pem->len);
	free(pem->bytes);
	memset(pem, 0, sizeof(*pem));
}

/* The last thing OpenSSL complained of, for the end of a sentence. */
static const char *reason(void)
{
	const char *text = ERR_reason_error_string(ERR_peek_last_error());

	return text ? text : "OpenSSL gives no reason";
}

static enum err read_all(int fd, struct pem *pem)
{
	ssize_t got = 1;

	while (got > 0 && pem->len <= FILE_MAX_BYTES) {
		got = read(fd, pem->bytes + pem->len,
			   FILE_MAX_BYTES + 1 - pem->len);
		if (got > 0)
			pem->len += (size_t)got;
	}
	if (got >= 0 && pem->len > FILE_MAX_BYTES)
		errno = EFBIG;
	return got < 0 || pem->len > FILE_MAX_BYTES ? ERR_SYSTEM : ERR_OK;
}

/* name is the option's.  Non-blocking: opening a pipe must not wait for its
 * writer. */
static enum err pem_open(struct loader *loader, const char *name,
			 const char *file, struct pem *pem)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat status = { .st_mode = 0 };
	enum err err;

	memset(pem, 0, sizeof(*pem));
	if (fd < 0)
		return fault_set(loader->fault, EX_CONFIG,
				 "cannot read %s %s: %m", name, file);
	if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
		close(fd);
		return fault_set(loader->fault, EX_CONFIG,
				 "%s %s is not a regular file", name, file);
	}
	pem->bytes = malloc(FILE_MAX_BYTES + 1);
	err = pem->bytes ? read_all(fd, pem) : ERR_NO_MEMORY;
	if (err == ERR_SYSTEM)
		err = fault_set(loader->fault, EX_CONFIG,
				"cannot read %s %s: %m", name, file);
	close(fd);
	if (err == ERR_OK) {
		pem->bio = BIO_new_mem_buf(pem->bytes, (int)pem->len);
		err = pem->bio ? ERR_OK : ERR_NO_MEMORY;
	}
	if (err != ERR_OK)
		pem_close(pem);
	return err;
}

static int64_t time_of(const ASN1_TIME *time)
{
	struct tm parts;

	memset(&parts, 0, sizeof(parts));
	if (ASN1_TIME_to_tm(time, &parts) != 1)
		return 0;
	return (int64_t)timegm(&parts) * 1000000;
}

/* The certificates that lead from ours to its authority. */
static enum err add_chain(struct loader *loader, const char *file,
			  struct pem *pem)
{
	X509 *issuer;
	unsigned long error;

	while ((issuer = PEM_read_bio_X509(pem->bio, NULL, NULL, NULL))) {
		if (SSL_CTX_add0_chain_cert(loader->context, issuer) == 1)
			continue;
		X509_free(issuer);
		return fault_set(loader->fault, EX_CONFIG, "TLS_CERT %s: %s",
				 file, reason());
	}
	error = ERR_peek_last_error();
	if (ERR_GET_LIB(error) == ERR_LIB_PEM &&
	    ERR_GET_REASON(error) == PEM_R_NO_START_LINE)
		return ERR_OK;
	return fault_set(loader->fault, EX_CONFIG,
			 "TLS_CERT %s: what follows the first certificate "
			 "cannot be read: %s",
			 file, reason());
}

static enum err load_certificate(struct loader *loader, const char *file,
				 int64_t *begins_us, int64_t *ends_us)
{
	X509 *certificate = NULL;
	struct pem pem;
	enum err err = pem_open(loader, "TLS_CERT", file, &pem);

	if (err != ERR_OK)
		return err;
	certificate = PEM_read_bio_X509_AUX(pem.bio, NULL, NULL, NULL);
	if (!certificate)
		err = fault_set(loader->fault, EX_CONFIG,
				"TLS_CERT %s holds no certificate in PEM: %s",
				file, reason());
	else if (SSL_CTX_use_certificate(loader->context, certificate) != 1)
		err = fault_set(loader->fault, EX_CONFIG, "TLS_CERT %s: %s",
				file, reason());
	if (err == ERR_OK) {
		*begins_us = time_of(X509_get0_notBefore(certificate));
		*ends_us = time_of(X509_get0_notAfter(certificate));
		err = add_chain(loader, file, &pem);
	}
	X509_free(certificate);
	pem_close(&pem);
	return err;
}

/* Nobody is there to be asked. */
static int on_password_wanted(char *password, int size, int is_writing,
			      void *is_wanted)
{
	(void)password;
	(void)size;
	(void)is_writing;
	*(bool *)is_wanted = true;
	return -1;
}

static enum err read_key(struct loader *loader, const char *file,
			 EVP_PKEY **key)
{
	bool is_encrypted = false;
	struct pem pem;
	enum err err = pem_open(loader, "TLS_KEY", file, &pem);

	if (err != ERR_OK)
		return err;
	*key = PEM_read_bio_PrivateKey(pem.bio, NULL, on_password_wanted,
				       &is_encrypted);
	pem_close(&pem);
	if (*key)
		return ERR_OK;
	if (is_encrypted)
		return fault_set(loader->fault, EX_CONFIG,
				 "the key in TLS_KEY %s is encrypted, and "
				 "nobody is there to type its password; "
				 "decrypt it: openssl pkey -in %s -out NEW",
				 file, file);
	return fault_set(loader->fault, EX_CONFIG,
			 "TLS_KEY %s holds no private key in PEM: %s", file,
			 reason());
}

static enum err load_key(struct loader *loader, const char *file,
			 const char *certificate_file)
{
	EVP_PKEY *key = NULL;
	enum err err = read_key(loader, file, &key);

	if (err != ERR_OK)
		return err;
	safefile_look("TLS_KEY", file, SAFEFILE_SECRET);
	if (X509_check_private_key(SSL_CTX_get0_certificate(loader->context),
				   key) != 1)
		err = fault_set(loader->fault, EX_CONFIG,
				"the key in TLS_KEY %s does not belong to the "
				"certificate in TLS_CERT %s",
				file, certificate_file);
	else if (SSL_CTX_use_PrivateKey(loader->context, key) != 1)
		err = fault_set(loader->fault, EX_CONFIG, "TLS_KEY %s: %s",
				file, reason());
	EVP_PKEY_free(key);
	return err;
}

enum err tlsfile_load(SSL_CTX *context, const char *certificate_file,
		      const char *key_file, int64_t *begins_us,
		      int64_t *ends_us, struct fault *fault)
{
	struct loader loader = { context, fault };
	enum err err;

	ERR_clear_error();
	err = load_certificate(&loader, certificate_file, begins_us, ends_us);
	if (err == ERR_OK)
		err = load_key(&loader, key_file, certificate_file);
	ERR_clear_error();
	return err;
}
