/* SPDX-License-Identifier: MIT */
/*
 * A file's records as messages.
 *
 * The file is mapped, not read: each sender then reads records out of the page
 * cache straight into the memory that it sends, and that is the only copy.
 *
 *	blank lines, "Package:" lines  a record a stanza, id = the package's name
 *	blank lines                    a record a paragraph, id = its number
 *	otherwise                      a record a line, id = its number
 *
 * Numbers count from 1. An empty record is no record.
 */
#include "workloads/records.h"

#include <err.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ID_MAX = 255, NUMBER_MAX = 24 };
/* More than a pool with the usual options hands out in one message. */
static const size_t payload_limit = (size_t)1 << 20;

static void map(struct input *input)
{
	struct stat status;
	int file = open(input->path, O_RDONLY | O_CLOEXEC);

	if (file < 0 || fstat(file, &status) != 0)
		err(2, "%s", input->path);
	if (!S_ISREG(status.st_mode) || status.st_size == 0)
		errx(2, "%s: not a file with something in it", input->path);
	input->text_size = (size_t)status.st_size;
	input->text = mmap(NULL, input->text_size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, file, 0);
	if (input->text == MAP_FAILED)
		err(2, "%s", input->path);
	close(file);
}

/* The first byte behind the record that begins at start. */
static const char *record_end(const char *start, const char *end, bool paragraphs)
{
	const char *blank;

	blank = paragraphs ? memmem(start, (size_t)(end - start), "\n\n", 2)
			   : memchr(start, '\n', (size_t)(end - start));
	return blank == NULL ? end : blank + (paragraphs ? 1 : 0);
}

/* The value of a "Package:" line, NULL where there is none. */
static const char *package_name(const char *start, const char *end, size_t *ret_size)
{
	static const char key[] = "Package: ";
	const char *name = start;
	const char *stop;

	if ((size_t)(end - start) < sizeof(key) || memcmp(start, key, sizeof(key) - 1) != 0) {
		name = memmem(start, (size_t)(end - start), "\nPackage: ", sizeof(key));
		if (name == NULL)
			return NULL;
		name++;
	}
	name += sizeof(key) - 1;
	stop = memchr(name, '\n', (size_t)(end - name));
	*ret_size = (size_t)((stop == NULL ? end : stop) - name);
	return *ret_size > 0 && *ret_size <= ID_MAX ? name : NULL;
}

/* Counts the records; fills them in where there is an array for them. */
static size_t split(struct input *input, bool paragraphs, bool packages)
{
	const char *end = input->text + input->text_size;
	const char *next;
	size_t count = 0;

	for (const char *start = input->text; start < end; start = next) {
		struct record record = { .payload = start };

		if (*start == '\n') {
			next = start + 1;
			continue;
		}
		next = record_end(start, end, paragraphs);
		record.payload_size = (size_t)(next - start);
		if (record.payload_size > payload_limit)
			errx(2, "%s: record %zu is larger than a message can be", input->path,
				count + 1);
		if (input->records != NULL) {
			if (packages)
				record.id = package_name(start, next, &record.id_size);
			if (record.id == NULL) {
				char *number = input->numbers + NUMBER_MAX * count;

				record.id_size =
					(size_t)snprintf(number, NUMBER_MAX, "%zu", count + 1);
				record.id = number;
			}
			input->records[count] = record;
		}
		count++;
	}
	return count;
}

void input_load(struct input *input, const char *path)
{
	bool paragraphs;
	bool packages;

	*input = (struct input){ .path = path };
	map(input);
	paragraphs = memmem(input->text, input->text_size, "\n\n", 2) != NULL;
	packages = paragraphs && memmem(input->text, input->text_size, "Package: ", 9) != NULL;
	input->form = packages ? "a stanza, id = package name"
		: paragraphs   ? "a paragraph, id = its number"
			       : "a line, id = its number";
	input->count = split(input, paragraphs, packages);
	if (input->count == 0)
		errx(2, "%s: no record in it", path);
	input->numbers = malloc(NUMBER_MAX * input->count);
	input->records = malloc(sizeof(*input->records) * input->count);
	if (input->numbers == NULL || input->records == NULL)
		err(2, "%s", path);
	split(input, paragraphs, packages);
	for (size_t i = 0; i < input->count; i++) {
		const struct record *record = &input->records[i];

		input->bytes += record->id_size + record->payload_size;
		if (record->payload_size > input->max_payload)
			input->max_payload = record->payload_size;
	}
}

void input_damage(struct input *input)
{
	if (mprotect(input->text, input->text_size, PROT_READ | PROT_WRITE) != 0)
		err(2, "%s", input->path);
	for (size_t i = 0; i < input->count; i++)
		input->text[(const char *)input->records[i].payload - input->text] ^= 1;
}

void input_unload(struct input *input)
{
	munmap(input->text, input->text_size);
	free(input->records);
	free(input->numbers);
}
