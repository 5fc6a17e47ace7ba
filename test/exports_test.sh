#!/usr/bin/env bash
# exports_test.sh LIBRARY HEADER...: the library exports what the headers declare and
# nothing else, cannot be unloaded, and has the name that programs are linked with.
set -eu
library=$1
shift
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
header=$directory/headers
cat "$@" >"$header"

# Declarations begin with MAGRING_PUBLIC; the name is what stands before the first (.
sed -e 's,/\*.*\*/,,' -e '/\/\*/,/\*\//d' "$header" | tr '\n' ' ' | tr ';{}' '\n\n\n' |
	sed -n 's/.*MAGRING_PUBLIC[^(]*[ *]\(magring_[a-z_]*\)(.*/\1/p' | sort >"$directory/declared"
nm -D --defined-only "$library" | sed -n 's/.* [A-Z] \([^@]*\).*/\1/p' |
	grep -v '^MAGRING_[0-9]*$' | sort >"$directory/exported"

test "$(wc -l <"$directory/declared")" -eq "$(grep -c '^MAGRING_PUBLIC' "$header")" ||
	{ echo "not every declaration was understood"; exit 1; }
test "$(wc -l <"$directory/declared")" -ge 20
diff -u "$directory/declared" "$directory/exported" ||
	{ echo "declared (-) and exported (+) differ"; exit 1; }

dynamic=$(readelf -dW "$library")
grep -q 'Library soname: \[libmagring\.so\.0\]' <<<"$dynamic" || { echo "wrong SONAME"; exit 1; }
grep -q 'FLAGS_1.*NODELETE' <<<"$dynamic" || { echo "may be unloaded"; exit 1; }
echo "$(wc -l <"$directory/declared") functions"
