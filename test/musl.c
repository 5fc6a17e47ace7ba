/* SPDX-License-Identifier: MIT */
/* What is different with a C library that has no backtrace(): musl_test.sh. */
#include <errno.h>
#include <magring.h>
#include <stdlib.h>
#include <string.h>

#define REQUIRE(condition) ((condition) ? (void)0 : (perror(#condition), exit(2)))

int main(void)
{
	struct magring_pool_options sampled = { .size = sizeof(sampled), .sample_bytes = 1 };
	struct magring_pool *pool = NULL;
	struct magring_message message = { 0 };
	char *text = NULL;
	size_t size = 0;

	REQUIRE(magring_pool_create(&pool, &sampled) == -ENOTSUP && pool == NULL);
	/* What the environment asks for does not stop the program. */
	REQUIRE(setenv("MAGRING_LEAKS", "1", 1) == 0);
	REQUIRE(magring_pool_create(&pool, NULL) == 0);
	REQUIRE(magring_message_copy(pool, &message, "id", 2, "a payload", 9, 0) == 0);
	FILE *stream = open_memstream(&text, &size);
	REQUIRE(stream != NULL);
	REQUIRE(magring_pool_write_profile(pool, stream) == 0);
	REQUIRE(magring_pool_write_leaks(pool, stream) == 0);
	REQUIRE(magring_pool_write_metrics(pool, stream) == 0);
	REQUIRE(fclose(stream) == 0);
	REQUIRE(strstr(text, "heap profile: 0: 0 ") != NULL);
	REQUIRE(strstr(text, "nothing is sampled") != NULL);
	REQUIRE(strstr(text, "# EOF") != NULL);
	free(text);
	magring_message_free(&message);
	REQUIRE(magring_pool_destroy(pool) == 0);
	return 0;
}
