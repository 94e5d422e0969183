/* SPDX-License-Identifier: ISC */
#include "common/base/pool.h"
#include "tests/lib/tap.h"

#include <stdio.h>

int
main(void)
{
	struct pool p = { 0 };
	char text[32];
	struct bytes first[1000];
	const struct bytes words[2] = { BYTES("nurse"), BYTES("TREAT") };

	for (int round = 0; round < 2; round++)
		for (int i = 0; i < 1000; i++) {
			struct bytes kept;

			(void)snprintf(text, sizeof text, "text %d", i);
			kept = pool_text(&p, bytes_of(text));
			if (round == 0)
				first[i] = kept;
			if (kept.at != first[i].at || !bytes_are(kept, text))
				check(false);
		}
	check(p.count == 1000);
	check(pool_text(&p, (struct bytes){ NULL, 0 }).size == 0);
	check(pool_list(&p, words, 2) == pool_list(&p, words, 2));
	check(pool_list(&p, words, 2) != pool_list(&p, words, 1));
	check(bytes_are(pool_list(&p, words, 2)[1], "TREAT"));
	check(pool_list(&p, words, 2)[0].at == pool_text(&p, words[0]).at);
	check(!pool_once(&p, words[0]) && pool_once(&p, bytes_of("new")) && !pool_once(&p, bytes_of("new")));
	check(pool_own(&p, words[0]).at != pool_text(&p, words[0]).at);
	check(pool_has(&p, words[0]) && !pool_has(&p, bytes_of("newer")));
	pool_close(&p);
	check(!pool_has(&p, words[0]));
	check(bytes_are(first[999], "text 999") && bytes_are(pool_text(&p, words[0]), "nurse"));
	pool_release(&p);
	pool_release(&p);
	return tap_end();
}
