#!/usr/bin/env bash
# header_example_test.sh SOURCE COMPILER LIBRARY: the example at the head of magring.h
# compiles without a warning, and its consumer is given the 1000 bytes that were sent.
set -eu
source=$1 compiler=$2 library=$3
header=$source/include/magring.h
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT

# Code is what is indented in a comment: the lines of the first run of it.
code() {
	awk -v from="$1" '
		index($0, from) { on = 1 }
		on && /^ \*\t/ { print substr($0, 4); code = 1; next }
		on && code && /^ \*$/ { print ""; next }
		on && code { exit }
	' "$header"
}

{
	cat <<'C'
#include <magring.h>
#include <string.h>
static void consume(const char *payload, size_t size)
{
	printf("%zu bytes, the first is %c and the last is %c\n", size, payload[0], payload[size - 1]);
}
int main(void)
{
C
	code 'magring: bounded' | sed '/What may run/,$d'
	cat <<'C'
	return magring_queue_release(queue) != 0 || magring_pool_destroy(pool) != 0;
}
C
} >"$directory/example.c"
for flags in '-O0' '-O2' '-O2 -DMAGRING_NO_INLINE'; do
	# shellcheck disable=SC2086
	$compiler -std=c11 $flags -Wall -Wextra -Werror -I "$source/include" "$directory/example.c" \
		-o "$directory/example" "$library" -pthread
	printed=$(LD_LIBRARY_PATH=$(dirname "$library") "$directory/example")
	test "$printed" = "1000 bytes, the first is x and the last is x" ||
		{ cat "$directory/example.c"; echo "$flags: it prints \"$printed\""; exit 1; }
done

echo "the header's example does what it says"
