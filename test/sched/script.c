/* SPDX-License-Identifier: MIT */
/*
 * Scripts. A decision is THREAD:STEP, a letter for its kind, and its value.
 */
#include "script.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SHRINK_SECONDS 20

static const char kinds[] = "sdeixqofcr"; /* by enum decision_kind */

void script_print(void)
{
	for (unsigned int i = 0; i < engine->script_length; i++) {
		const struct decision *decision = &engine->script[i];
		printf("%s%u:%u%c%u", i > 0 ? "," : "", decision->thread, decision->step,
			kinds[decision->kind], decision->value);
	}
	printf("\n");
}

bool script_read(const char *text)
{
	unsigned int thread, step, value;
	char kind;
	int length;
	engine->script_length = 0;
	while (sscanf(text, "%u:%u%c%u%n", &thread, &step, &kind, &value, &length) == 4) {
		const char *at = strchr(kinds, kind);
		if (at == NULL || engine->script_length == DECISIONS)
			return false;
		engine->script[engine->script_length++] =
			(struct decision){ .kind = (uint8_t)(at - kinds),
				.thread = (uint8_t)thread,
				.step = step,
				.value = (uint16_t)value };
		text += length;
		if (*text == ',')
			text++;
	}
	return *text == 0;
}

void script_keep(void)
{
	memcpy(engine->script, engine->decisions, engine->decided * sizeof(engine->script[0]));
	engine->script_length = engine->decided;
}

/* Whether the run also fails without n decisions from this one. */
static bool fails_without(const struct plan *plan, unsigned int at, unsigned int n,
	struct decision *before)
{
	unsigned int length = engine->script_length;
	memcpy(before, engine->script, length * sizeof(before[0]));
	memmove(engine->script + at, engine->script + at + n,
		(length - at - n) * sizeof(before[0]));
	engine->script_length = length - n;
	if (!engine_run(plan) && engine->decided < length) {
		script_keep(); /* what it really did */
		return true;
	}
	memcpy(engine->script, before, length * sizeof(before[0]));
	engine->script_length = length;
	return false;
}

void script_shrink(const struct plan *failed)
{
	struct decision *before = malloc(sizeof(engine->script));
	if (before == NULL)
		return;
	struct plan plan = *failed;
	plan.strategy = REPLAY;
	time_t end = time(NULL) + SHRINK_SECONDS;
	for (unsigned int piece = engine->script_length; piece > 0;) {
		bool shorter = false;
		for (unsigned int at = 0; at < engine->script_length && time(NULL) < end;) {
			unsigned int left = engine->script_length - at;
			unsigned int n = piece < left ? piece : left;
			if (fails_without(&plan, at, n, before))
				shorter = true;
			else
				at += n;
		}
		/* In the end each single decision is needed. */
		if (piece > 1 || !shorter)
			piece /= 2;
	}
	free(before);
}
