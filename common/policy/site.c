/* SPDX-License-Identifier: ISC */
#include "common/policy/site.h"

#include "common/base/file.h"
#include "common/json/json.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

static const char *const names[SITE_PLACES] = {
	[SITE_KEYS] = "keys",
	[SITE_CONSENTS] = "consents",
	[SITE_FACTS] = "facts.ndjson",
	[SITE_ENTITIES] = "entities.ndjson",
	[SITE_SUBSCRIPTIONS] = "subscriptions",
	[SITE_GRANTS] = "grants.jwts",
	[SITE_REVOKED] = "revoked.jwt",
	[SITE_AUTHORITY] = "authority.jwks",
	[SITE_DECIDERS] = "deciders.jwks",
	[SITE_ASSERTIONS] = "assertions.jwks",
	[SITE_POLICY] = "policy",
	[SITE_TRUST] = "trust.pem",
	[SITE_TRUST_CRL] = "trust.crl",
	[SITE_TRUST_SERIAL] = "trust.serial",
};

bool
site_check(const char *directory, struct fault *f)
{
	struct stat s;

	if (directory == NULL)
		return true;
	if (stat(directory, &s) != 0)
		return fault_unread(f, directory, errno);
	return S_ISDIR(s.st_mode) || fault_unread(f, directory, ENOTDIR);
}

const char *
site_path(struct arena *a, const char *directory, enum site_place place, const char *override)
{
	if (override != NULL || directory == NULL)
		return override;
	size_t size = strlen(directory);
	while (size > 1 && directory[size - 1] == '/')
		size--;
	return arena_format(a, "%.*s/%s", (int)size, directory, names[place]);
}

/*
 * Only ENOENT counts as absent.  For any other error the path is returned, so that its reader reports the
 * error.
 */
const char *
site_path_if_there(struct arena *a, const char *directory, enum site_place place, const char *override)
{
	const char *path = site_path(a, directory, place, override);
	struct stat s;

	if (override == NULL && path != NULL && lstat(path, &s) != 0 && errno == ENOENT)
		return NULL;
	return path;
}

bool
site_read(struct arena *a, const char *path, size_t limit, struct bytes *text, struct fault *f)
{
	struct buffer b;
	bool good;

	buffer_init(&b, limit);
	good = file_read(path, &b) || fault_unread(f, path, errno);
	if (good) {
		char *at = arena_take(a, b.used + JSON_SLACK);

		if (b.used > 0)
			memcpy(at, b.at, b.used);
		*text = (struct bytes){ at, b.used };
	}
	buffer_release(&b);
	return good;
}
