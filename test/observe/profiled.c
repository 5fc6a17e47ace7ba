/* SPDX-License-Identifier: MIT */
/*
 * A program to look at with a profile: profiled FILE BYTES [all]. It allocates
 * 3000 messages of 1000 bytes in load() and keeps half of them, or all, and 100
 * of 2000 bytes in session(), which it keeps. Sampled once in BYTES (0: as the
 * environment says); the profile is written to FILE, if it is not "-"; then
 * destroying the pool must fail.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <magring.h>

#define REQUIRE(condition) ((condition) ? (void)0 : (perror(#condition), exit(2)))

static void load(struct magring_pool *pool, struct magring_message *message)
{
	int rc = magring_message_alloc(pool, message, "load", 4, 1000, 0);
	REQUIRE(rc == 0);
}

static void session(struct magring_pool *pool, struct magring_message *message)
{
	static const char payload[2000];
	int rc = magring_message_copy(pool, message, "session", 7, payload, sizeof(payload), 0);
	REQUIRE(rc == 0);
}

int main(int argc, char **argv)
{
	struct magring_pool_options options = { .size = sizeof(options), .name = "profiled" };
	struct magring_pool *pool;
	static struct magring_message message[3100];
	REQUIRE(argc == 3 || argc == 4);
	options.sample_bytes = strtoull(argv[2], NULL, 10);
	REQUIRE(magring_pool_create(&pool, &options) == 0);
	for (int i = 0; i < 3000; i++)
		load(pool, &message[i]);
	for (int i = 3000; i < 3100; i++)
		session(pool, &message[i]);
	for (int i = 0; argc == 3 && i < 3000; i += 2)
		magring_message_free(&message[i]);
	if (strcmp(argv[1], "-") != 0) {
		FILE *file = fopen(argv[1], "w");
		REQUIRE(file != NULL);
		REQUIRE(magring_pool_write_profile(pool, file) == 0);
		REQUIRE(fclose(file) == 0);
	}
	REQUIRE(magring_pool_destroy(pool) == -EBUSY);
	return 0;
}
