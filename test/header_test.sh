#!/usr/bin/env bash
# header_test.sh SOURCE LIBRARY: users' builds are silent. Every compiler here
# compiles a program that calls all inline functions, in every language version that
# it has, with every warning on. Some of these programs are run.
set -eu
source=$1 library=$2
tests=$source/test
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
export LC_ALL=C LD_LIBRARY_PATH
LD_LIBRARY_PATH=$(dirname "$library")
compiled=0

common='-Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Wundef -Wcast-qual'
cxx='-Wold-style-cast -Wzero-as-null-pointer-constant -Wuseless-cast'
# Of clang's -Weverything these are off, because they are not about mistakes:
# - that something is newer than C89, or C++98;
# - that a structure has padding;
# - that a pointer is used as an array, which is what C has (-Wunsafe-buffer-usage;
#   the last flag is for compilers that do not know it).
everything='-Weverything -Wno-c++98-compat -Wno-c++98-compat-pedantic -Wno-padded
	-Wno-unsafe-buffer-usage -Wno-declaration-after-statement -Wno-pre-c11-compat
	-Wno-unknown-warning-option'

fail() {
	echo "$*"
	exit 1
}

# compile COMPILER FILE FLAG...: silent, warnings as errors.
compile() {
	local compiler=$1 file=$2
	shift 2
	"$compiler" "$@" -Werror -I "$source/include" -c "$tests/$file" -o "$directory/object.o" \
		>"$directory/said" 2>&1 || { cat "$directory/said"; fail "$compiler $* $file"; }
	test ! -s "$directory/said" || { cat "$directory/said"; fail "$compiler $* $file is not silent"; }
	compiled=$((compiled + 1))
}

# run COMPILER FILE FLAG...: links with the library, and exits with 0.
run() {
	local compiler=$1 file=$2
	shift 2
	"$compiler" "$@" -I "$source/include" "$tests/$file" -o "$directory/program" "$library" -pthread ||
		fail "$compiler $* $file does not link"
	"$directory/program" || fail "$compiler $* $file: exit $?"
}

# The versions of a language that this compiler knows.
versions() {
	local compiler=$1 language=$2
	shift 2
	for version; do
		echo | "$compiler" -x "$language" -std="$version" -fsyntax-only - 2>/dev/null && echo "$version"
	done
	return 0
}

# every COMPILER LANGUAGE FILE VERSION...
every() {
	local compiler=$1 language=$2 file=$3 warnings=$common
	shift 3
	command -v "$compiler" >/dev/null || { echo "there is no $compiler"; return 0; }
	case $compiler in
	clang*) warnings="$warnings $everything" ;;
	g++*) warnings="$warnings $cxx" ;;
	esac
	for version in $(versions "$compiler" "$language" "$@"); do
		for optimise in -O0 -O1 -O2; do
			# shellcheck disable=SC2086
			compile "$compiler" "$file" -std="$version" $optimise $warnings
		done
		# shellcheck disable=SC2086
		compile "$compiler" "$file" -std="$version" -O2 -DMAGRING_NO_INLINE $warnings
		for optimise in -O0 -O2; do
			# shellcheck disable=SC2086
			compile "$compiler" "$file" -std="$version" $optimise -fsanitize=thread $warnings
		done
	done
	run "$compiler" "$file" -O0
	run "$compiler" "$file" -O2
	# Every function tells a profiler that it was entered: the inline ones must not.
	run "$compiler" "$file" -O2 -finstrument-functions
	# A 32-bit build is told why it fails, first.
	for narrow in -m32 -mx32; do
		[ "$(uname -m)" = x86_64 ] || continue
		"$compiler" $narrow -I "$source/include" -fsyntax-only "$tests/$file" >"$directory/said" 2>&1 &&
			fail "$compiler $narrow compiles"
		grep error: "$directory/said" | head -1 | grep -q 'magring needs a 64-bit system' ||
			fail "$compiler $narrow: $(head -1 "$directory/said")"
	done
}

c='c99 gnu99 c11 c17 gnu17 c2x gnu2x c23'
cpp='c++11 c++14 c++17 gnu++17 c++20 c++2b c++23'
# shellcheck disable=SC2086
{
	every gcc c header_calls.c $c
	every clang c header_calls.c $c
	every g++ c++ header_calls.cpp $cpp
	every clang++ c++ header_calls.cpp $cpp
}
test "$compiled" -gt 0 || fail "nothing was compiled"
echo "$compiled times silent"
