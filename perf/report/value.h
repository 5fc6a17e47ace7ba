/* SPDX-License-Identifier: MIT */
/* Values of JSON objects; whatever cannot be made ends the program. */
#ifndef PERF_VALUE_H
#define PERF_VALUE_H

#include "core/machine.h"

#include <jansson.h>
#include <stdint.h>

json_t *value_need(json_t *value);

/* The value is the object's from here on. */
void value_set(json_t *object, const char *key, json_t *value);
void value_set_real(json_t *object, const char *key, double value); /* null if not finite */
void value_set_count(json_t *object, const char *key, uint64_t value);
void value_set_text(json_t *object, const char *key, const char *value); /* null if not UTF-8 */
/* The same of an array. */
void value_append(json_t *array, json_t *value);

json_t *value_of_machine(const struct machine *machine);

#endif
