/* SPDX-License-Identifier: MIT */
/*
 * Values of JSON objects, set one by one and not with json_pack(), which no compiler
 * checks.
 */
#include "report/value.h"

#include <err.h>
#include <math.h>

json_t *value_need(json_t *value)
{
	if (value == NULL)
		errx(2, "cannot make JSON");
	return value;
}

void value_set(json_t *object, const char *key, json_t *value)
{
	if (json_object_set_new(object, key, value) != 0)
		errx(2, "cannot make JSON of \"%s\"", key);
}

void value_append(json_t *array, json_t *value)
{
	if (json_array_append_new(array, value) != 0)
		errx(2, "cannot make JSON");
}

void value_set_real(json_t *object, const char *key, double value)
{
	value_set(object, key, isfinite(value) ? json_real(value) : json_null());
}

void value_set_count(json_t *object, const char *key, uint64_t value)
{
	value_set(object, key, json_integer((json_int_t)value));
}

/* Such as a file's odd name. */
void value_set_text(json_t *object, const char *key, const char *value)
{
	json_t *text = json_string(value);

	value_set(object, key, text == NULL ? json_null() : text);
}

json_t *value_of_machine(const struct machine *machine)
{
	json_t *object = value_need(json_object());

	value_set_text(object, "date", machine->date);
	value_set_text(object, "cpu", machine->cpu);
	value_set_text(object, "kernel", machine->kernel);
	value_set_text(object, "system", machine->system);
	value_set_text(object, "libc", machine->libc);
	value_set_text(object, "compiler", machine->compiler);
	value_set_text(object, "governor", machine->governor);
	value_set_text(object, "hypervisor", machine->hypervisor);
	value_set_count(object, "cpus_online", machine->cpus);
	value_set_count(object, "cpus_allowed", machine->allowed);
	value_set_real(object, "memory_mb", machine->memory_mb);
	return object;
}
