/* SPDX-License-Identifier: MIT */
/* The public header compiles alone, as strict C11. */
#include "magring.h"

int main(void)
{
	struct magring_message message = { 0 };
	magring_message_free(&message);
	return magring_queue_capacity(NULL) == 0 ? 0 : 1;
}
