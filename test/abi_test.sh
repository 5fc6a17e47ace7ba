#!/usr/bin/env bash
# abi_test.sh [SOURCE COMPILER]: the functions that the shared library exports,
# and the types that the public headers give them, are those of the baseline
# test/abi/.
# abi_test.sh --update [SOURCE COMPILER]: write the baseline anew.
# abi_test.sh --self-test [SOURCE COMPILER]: changes to a copy of the tree must
# be seen.
#
# Any difference counts, additions too: what is not in the baseline could be
# removed unseen. The baseline is one architecture's, and the library is built
# here, with debug information. Constants and the inline functions of the header
# are beyond what debug information tells.
# 77: no libabigail, no baseline for this architecture, or no debug information.
set -eu
mode=
case ${1:-} in
--update | --self-test) mode=$1; shift ;;
esac
here=$(cd "$(dirname "$0")" && pwd)
. "$here/copy_library.sh"
source=${1:-$here/..} compiler=${2:-gcc}
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
for tool in abidw abidiff; do
	command -v $tool >/dev/null || { echo "there is no $tool"; exit 77; }
done
baseline=$here/abi/libmagring-$($compiler -dumpmachine | sed 's/-.*//').abi
if [ -z "$mode" ] && [ ! -e "$baseline" ]; then
	echo "there is no $baseline"
	exit 77
fi

# describe SOURCE BUILD RESULT: build the library; what it offers, without names
# of directories.
describe() {
	if ! { test -e "$2/build.ninja" || CC=$compiler CFLAGS='' LDFLAGS='' meson setup "$2" "$1" \
		-Dtests=disabled -Dperf=disabled -Doptimization=0 -Ddebug=true -Dstrip=false; } >"$2.log" 2>&1 ||
			! meson compile -C "$2" magring:shared_library >>"$2.log" 2>&1; then
		cat "$2.log"
		return 1
	fi
	readelf -SW "$2/lib/libmagring.so" | grep -q '\.debug_info' ||
		{ echo "$compiler makes no debug information"; exit 77; }
	abidw --headers-dir "$1/include" --drop-private-types --exported-interfaces-only \
		--suppressions "$here/abi/libmagring.suppr" --no-corpus-path --no-comp-dir-path --no-show-locs \
		--no-elf-needed --no-write-default-sizes --type-id-style hash "$2/lib/libmagring.so" |
		sed "s,\( path='\)[^']*/\(lib/\),\1\2," >"$3"
	# It may fail without saying so.
	grep -q '<function-decl' "$3" || { echo "abidw found no function"; return 1; }
}

symbols() {
	sed -n "s/.*<elf-symbol name='\([^']*\)' version='\([^']*\)'.*/\1@\2/p" "$1" | sort
}

# differs OLD NEW: abidiff's status has a bit for each kind of difference, and
# of error. It does not mind when one of two names of the same function is
# missing.
differs() {
	local status=0
	abidiff --no-show-locs "$1" "$2" || status=$?
	test $((status & 3)) -eq 0 || { echo "abidiff: status $status"; exit 1; }
	diff <(symbols "$1") <(symbols "$2") || status=1
	test "$status" -ne 0
}

case $mode in
'')
	describe "$source" "$directory/build" "$directory/abi"
	if differs "$baseline" "$directory/abi"; then
		echo "The binary interface has changed. If programs that were linked before still work, or
the soname has changed too, write the new baseline: test/abi_test.sh --update"
		exit 1
	fi
	echo "$(grep -c '<elf-symbol ' "$baseline") functions as before"
	;;
--update)
	mkdir -p "${baseline%/*}"
	describe "$source" "$directory/build" "$directory/abi"
	if grep -n "$directory\|$(cd "$source" && pwd)" "$directory/abi"; then
		echo "names of directories do not belong into the baseline"
		exit 1
	fi
	cp "$directory/abi" "$baseline"
	echo "written: $baseline"
	;;
--self-test)
	copy=$directory/copy
	mkdir "$copy"
	restore() {
		rm -rf "$copy/include" "$copy/lib"
		copy_library "$source" "$copy"
	}
	# seen|unseen WHAT SED FILE...: edits the copy.
	changed() {
		local what=$1 edit=$2
		shift 2
		sed -i "$edit" "$@"
		! diff -rq "$source/include" "$copy/include" >/dev/null ||
			! diff -rq "$source/lib" "$copy/lib" >/dev/null ||
			{ echo "$what: there is no place for that"; exit 1; }
		describe "$copy" "$directory/build" "$directory/changed"
		restore
	}
	seen() {
		changed "$@"
		differs "$directory/abi" "$directory/changed" >"$directory/said" ||
			{ echo "not seen: $1"; exit 1; }
		echo "seen: $1"
	}
	unseen() {
		changed "$@"
		! differs "$directory/abi" "$directory/changed" || { echo "that is internal: $1"; exit 1; }
		echo "rightly not seen: $1"
	}
	headers=$(cd "$source" && find include -name '*.h')
	restore
	describe "$copy" "$directory/build" "$directory/abi"
	cd "$copy"
	code=$(find include lib -name '*.[ch]')
	! differs "$directory/abi" "$directory/abi" || { echo "it differs from itself"; exit 1; }
	seen "a removed function" 's/local: \*;/local: magring_recv; *;/' lib/magring.map
	seen "a removed alias" 's/local: \*;/local: magring_private_id; *;/' lib/magring.map
	seen "a changed parameter type" 's/\bint64_t timeout_ns\b/int32_t timeout_ns/' $code
	seen "a changed structure" '/^struct magring_queue_options {/a uint64_t inserted;' $headers
	seen "a longer structure" '/^struct magring_pool_options {/,/^}/s/^}/uint64_t added; }/' $headers
	seen "a changed result" 's/\bsize_t magring_queue_size(/unsigned int magring_queue_size(/' $code
	unseen "a changed private structure" '/^struct magring_queue {/,/^}/s/^}/uint64_t added; }/' $code
	;;
esac
