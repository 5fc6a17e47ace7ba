// SPDX-License-Identifier: MIT
// Functions of C++ that allocate: profiled FILE writes the pool's profile.
#include <magring.h>

#include <cstdio>
#include <cstdlib>

namespace shop {

template <class Number>
struct order {
	static __attribute__((noinline)) int make(magring_pool *pool, magring_message *message)
	{
		int rc = magring_message_alloc(pool, message, "order", 5, sizeof(Number) * 100, 0);
		__asm__ volatile("");
		return rc;
	}
};

struct invoice {
	__attribute__((noinline)) int print(magring_pool *pool, magring_message *message)
	{
		int rc = magring_message_alloc(pool, message, "invoice", 7, 5000, 0);
		__asm__ volatile("");
		return rc;
	}
};

static __attribute__((noinline)) int note(magring_pool *pool, magring_message *message)
{
	int rc = magring_message_alloc(pool, message, "note", 4, 100, 0);
	__asm__ volatile("");
	return rc;
}

} // namespace shop

int main(int argc, char **argv)
{
	magring_pool_options options = {};
	magring_pool *pool;
	options.size = sizeof(options);
	options.sample_bytes = 1;
	if (argc != 2 || magring_pool_create(&pool, &options) != 0)
		return 1;
	for (int i = 0; i < 300; i++) {
		magring_message message;
		if (shop::order<double>::make(pool, &message) != 0 ||
			(i < 200 && shop::invoice().print(pool, &message) != 0) ||
			(i < 100 && shop::note(pool, &message) != 0))
			return 2;
	}
	FILE *file = std::fopen(argv[1], "w");
	return file == nullptr || magring_pool_write_profile(pool, file) != 0 ||
		std::fclose(file) != 0;
}
