/* Reading HOST. */
#include "config.h"

#include "daemon/address.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/un.h>
#include <sysexits.h>

#include "daemon/fault.h"

#define UNIX_PREFIX TEXT("unix:")

static const char how[] =
	"write an address (127.0.0.1, ::1), a name or unix:/path; the port "
	"has an option of its own (--port)";

/* The bytes of an IPv4 or IPv6 address; IPv4 in the last four. */
static bool parse_ip(const struct address *address, unsigned char bytes[16])
{
	memset(bytes, 0, 16);
	switch (address->kind) {
	case ADDRESS_IPV4:
		return inet_pton(AF_INET, address->text, bytes + 12) == 1;
	case ADDRESS_IPV6:
		return inet_pton(AF_INET6, address->text, bytes) == 1;
	case ADDRESS_NAME:
	case ADDRESS_UNIX:
		break;
	}
	return false;
}

static bool is_host_name(const char *text)
{
	size_t len = strlen(text);

	/* All digits and dots would be a misspelt address. */
	if (strspn(text, "0123456789.") == len)
		return false;
	return strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUV"
			    "WXYZ0123456789-._") == len;
}

static enum err parse_unix(struct text path, struct address *address,
			   struct fault *fault)
{
	struct sockaddr_un sun;

	if (path.len == 0 || path.ptr[0] != '/')
		return fault_set(fault, EX_CONFIG,
				 "HOST: unix: needs an absolute path: "
				 "unix:/run/todod/todod.sock");
	if (path.len >= sizeof(sun.sun_path))
		return fault_set(fault, EX_CONFIG,
				 "HOST: the path of a unix socket has at most "
				 "%zu bytes, this one has %zu",
				 sizeof(sun.sun_path) - 1, path.len);
	address->kind = ADDRESS_UNIX;
	memcpy(address->text, path.ptr, path.len);
	address->text[path.len] = '\0';
	return ERR_OK;
}

static enum err parse_one(struct text entry, struct address *address,
			  struct fault *fault)
{
	unsigned char bytes[16];

	if (text_has_prefix(entry, UNIX_PREFIX))
		return parse_unix(text_slice(entry, UNIX_PREFIX.len, entry.len),
				  address, fault);
	if (text_is_equal(entry, TEXT("*")))
		entry = TEXT("::");
	if (entry.len > 2 && entry.ptr[0] == '[' &&
	    entry.ptr[entry.len - 1] == ']')
		entry = text_slice(entry, 1, entry.len - 2);
	if (entry.len == 0 || entry.len >= sizeof(address->text))
		return fault_set(fault, EX_CONFIG,
				 "HOST: an entry is empty or too long: %s",
				 how);
	memcpy(address->text, entry.ptr, entry.len);
	address->text[entry.len] = '\0';
	address->kind = ADDRESS_IPV4;
	if (parse_ip(address, bytes))
		return ERR_OK;
	address->kind = ADDRESS_IPV6;
	if (parse_ip(address, bytes))
		return ERR_OK;
	address->kind = ADDRESS_NAME;
	if (is_host_name(address->text))
		return ERR_OK;
	return fault_set(fault, EX_CONFIG, "HOST: \"%s\" is no address: %s",
			 address->text, how);
}

enum err address_list_parse(struct text text, struct address_list *list,
			    struct fault *fault)
{
	struct address_list found = { .count = 0 };
	bool is_last = false;

	while (!is_last) {
		size_t comma = text_find_byte(text, ',');
		struct text entry = text_trim_blank(text_slice(text, 0, comma));
		enum err err;

		is_last = comma == text.len;
		if (found.count == ADDRESS_MAX_COUNT)
			return fault_set(fault, EX_CONFIG,
					 "HOST: at most %d entries",
					 ADDRESS_MAX_COUNT);
		err = parse_one(entry, &found.items[found.count++], fault);
		if (err != ERR_OK)
			return err;
		text = text_slice(text, comma + 1, text.len);
	}
	*list = found;
	return ERR_OK;
}

bool address_is_local(const struct address *address)
{
	static const unsigned char loopback6[16] = { [15] = 1 };
	unsigned char bytes[16];

	switch (address->kind) {
	case ADDRESS_UNIX:
		return true;
	case ADDRESS_NAME:
		return strcmp(address->text, "localhost") == 0;
	case ADDRESS_IPV4:
		return parse_ip(address, bytes) && bytes[12] == 127;
	case ADDRESS_IPV6:
		return parse_ip(address, bytes) &&
		       memcmp(bytes, loopback6, sizeof(bytes)) == 0;
	}
	return false;
}

bool address_is_any_ipv4(const struct address *address)
{
	static const unsigned char zero[16];
	unsigned char bytes[16];

	return address->kind == ADDRESS_IPV4 && parse_ip(address, bytes) &&
	       memcmp(bytes, zero, sizeof(zero)) == 0;
}
