#!/usr/bin/env bash
# musl_test.sh SOURCE: the library compiled with musl's headers and linked with musl, statically
# for a second of each stress program, and as a shared library that is loaded with dlopen().
# Exits with 77 if there is no musl-gcc.
set -eu
source=$1
command -v musl-gcc >/dev/null || { echo "skipped: no musl-gcc"; exit 77; }
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT

# Headers without a C library behind them: the kernel's, ck's and liburcu's lists. glibc's
# stay out of sight.
include=$directory/include
machine=$(gcc -print-multiarch)
mkdir "$include"
for header in linux asm-generic asm urcu gcc; do
	for place in "/usr/include/$machine" /usr/include; do
		test ! -e "$place/$header" || { ln -s "$place/$header" "$include"; break; }
	done
done
for header in /usr/include/ck_*.h "/usr/include/$machine"/ck_*.h; do
	test ! -e "$header" || ln -s "$header" "$include"
done
compile="musl-gcc -std=c11 -O2 -g -D_GNU_SOURCE -fexceptions -fPIC -fvisibility=hidden -pthread
	-Wall -Wextra -Wpedantic -Werror -idirafter $include -I$source/include -I$source/lib -I$source/test
	$(pkg-config --cflags-only-other ck)"

cd "$directory"
find "$source/lib" -name '*.c' >sources
xargs -n 1 -P "$(nproc)" $compile -c <sources
ls ./*.o >objects
test "$(wc -l <objects)" -eq "$(wc -l <sources)"

musl-gcc -shared -o libmagring.so $(cat objects) -Wl,-z,defs -Wl,-z,nodelete \
	"-Wl,--version-script,$source/lib/magring.map"
readelf -dW libmagring.so | grep -q 'NEEDED.*libc\.so\]' || { echo "not linked with musl"; exit 1; }
$compile "$source/test/pool/loaded.c" -o loaded
for condition in unload keys; do
	timeout 60 ./loaded "$PWD/libmagring.so" "$condition"
done

build() { $compile -static "$1" $(cat objects) -o "$(basename "$1" .c)"; }
build "$source/test/example.c"
test "$(./example)" = "a payload"
build "$source/test/musl.c"
./musl 2>said
grep -q '^magring: ' said || { echo "ignored the environment silently"; exit 1; }

# Those that are one file. Not stress_fork: musl's exit() waits for the locks of all streams, and
# threads of the parent write to streams of the program.
export MAGRING_STRESS_SECONDS=1
programs=$(echo "$source"/test/*/stress_*.c "$source/test/queue/ring_promise.c")
for program in $programs; do
	case $program in */stress_fork.c) continue ;; esac
	build "$program"
	name=$(basename "$program" .c)
	started=$SECONDS
	timeout 60 "./$name" >log 2>&1 || { cat log; echo "$name: status $?"; exit 1; }
	echo "$name: $((SECONDS - started)) s"
done
echo "musl: $(wc -l <objects) files, $(wc -w <<<"$programs") stress programs"
