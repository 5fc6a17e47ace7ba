/* SPDX-License-Identifier: MIT */
/*
 * A history as text.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "judge_search.h"

static const char *answer_of(const struct judge_call *call)
{
	if (call->result == 0)
		return "done";
	if (call->result == 1)
		return "not ended";
	if (call->result == -EPIPE)
		return "closed";
	return call->kind == JUDGE_SEND ? "full" : "empty";
}

void judge_print(const struct judge_history *history)
{
	static const char *const kinds[] = {
		[JUDGE_SEND] = "send",
		[JUDGE_RECV] = "recv",
		[JUDGE_CLOSE] = "close",
	};
	fprintf(stderr, "%zu calls, capacity %zu\n", history->count, history->capacity);
	for (size_t i = 0; i < history->count; i++) {
		const struct judge_call *call = &history->calls[i];
		bool has_value =
			call->kind == JUDGE_SEND || (call->kind == JUDGE_RECV && call->result == 0);
		char value[24] = "";
		if (has_value)
			snprintf(value, sizeof(value), "%" PRIu64, call->value);
		fprintf(stderr, "%3zu  thread %u  %-5s %8s  %s%s", i, call->thread,
			kinds[call->kind], value, answer_of(call),
			call->batched ? ", batched" : "");
		if (call->before != 0)
			fprintf(stderr, ", after");
		judge_each(before, call->before)
			fprintf(stderr, " %u", before);
		fprintf(stderr, "\n");
	}
}
