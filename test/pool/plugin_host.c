/* SPDX-License-Identifier: MIT */
/*
 * plugin_host PLUGIN unload|exit: a plugin with the library inside is closed,
 * or in use at exit().
 *
 *	unload  threads that have used it end when its code is gone; it leaves no key behind
 *	exit    threads go on, begin and end beside exit(): see plugin.c
 */
#include "pool/plugin.h"

#include <dlfcn.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CHECK(condition) \
	((condition) ? (void)0 \
		     : (fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition), abort()))

enum { THREADS = 4, LOADS = 50, SECONDS = 120 };

static const struct plugin *loaded;
static pthread_barrier_t barrier;

static void *load(const char *path)
{
	void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (handle == NULL)
		fprintf(stderr, "%s\n", dlerror());
	CHECK(handle != NULL);
	loaded = dlsym(handle, "plugin");
	CHECK(loaded != NULL);
	return handle;
}

static unsigned int free_keys(void)
{
	pthread_key_t keys[PTHREAD_KEYS_MAX];
	unsigned int count = 0;
	while (count < PTHREAD_KEYS_MAX && pthread_key_create(&keys[count], NULL) == 0)
		count++;
	for (unsigned int i = 0; i < count; i++)
		pthread_key_delete(keys[i]);
	return count;
}

/* Works with each plugin that is loaded, and ends after the last is gone. */
static void *work(void *unused)
{
	for (int i = 0; i < LOADS; i++) {
		pthread_barrier_wait(&barrier); /* it is there */
		loaded->work();
		pthread_barrier_wait(&barrier); /* it may go */
	}
	pthread_barrier_wait(&barrier); /* it is gone */
	return unused;
}

static void play_unload(const char *path)
{
	pthread_t threads[THREADS];
	CHECK(pthread_barrier_init(&barrier, NULL, THREADS + 1) == 0);
	for (int i = 0; i < THREADS; i++)
		CHECK(pthread_create(&threads[i], NULL, work, NULL) == 0);
	unsigned int keys = free_keys();
	for (int i = 0; i < LOADS; i++) {
		void *handle = load(path);
		pthread_barrier_wait(&barrier);
		pthread_barrier_wait(&barrier);
		CHECK(dlclose(handle) == 0);
		CHECK(dlopen(path, RTLD_NOW | RTLD_NOLOAD) == NULL);
	}
	CHECK(free_keys() == keys);
	pthread_barrier_wait(&barrier);
	for (int i = 0; i < THREADS; i++)
		CHECK(pthread_join(threads[i], NULL) == 0);
	printf("%d threads ended well, %d times unloaded\n", THREADS, LOADS);
}

int main(int argc, char **argv)
{
	CHECK(argc == 3);
	alarm(SECONDS);
	if (strcmp(argv[2], "unload") == 0) {
		play_unload(argv[1]);
	} else {
		load(argv[1]);
		loaded->work_until_exit();
	}
	return 0;
}
