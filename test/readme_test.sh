#!/usr/bin/env bash
# readme_test.sh SOURCE COMPILER LIBRARY: README.md's example, its first ```c block,
# compiles without a warning, and prints the ```text block that follows it.
set -eu
source=$1 compiler=$2 library=$3
readme=$source/README.md
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT

test -f "$readme" || { echo "there is no README.md"; exit 1; }
awk -v directory="$directory" '
	/^```/ && block != "" { block = ""; next }
	/^```c$/ && !program { block = directory "/example.c"; program = 1; next }
	/^```text$/ && program && !output { block = directory "/wanted"; output = 1; next }
	/^```/ { block = "/dev/null"; next }
	block != "" { print > block }
' "$readme"
test -s "$directory/example.c" || { echo "README.md has no \`\`\`c block"; exit 1; }
test -s "$directory/wanted" || { echo "README.md has no \`\`\`text block after it"; exit 1; }

$compiler -std=c11 -D_GNU_SOURCE -Wall -Wextra -Werror -I "$source/include" \
	"$directory/example.c" -o "$directory/example" "$library" -pthread
status=0
LD_LIBRARY_PATH=$(dirname "$library") "$directory/example" >"$directory/printed" || status=$?
test "$status" -eq 0 || { echo "the example exits with $status"; exit 1; }
diff -u "$directory/wanted" "$directory/printed" || { echo "it prints something else"; exit 1; }
echo "the example does what README.md says"
