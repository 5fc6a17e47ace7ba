#!/usr/bin/env bash
# warnings_test.sh SOURCE COMPILER: the library's sources give no warning, whatever the compiler can
# warn of but for what is listed here.
set -u
source=$1 compiler=$2
flags="-std=c11 -O2 -D_GNU_SOURCE -fexceptions -fvisibility=hidden -pthread -fsyntax-only -Werror
	-Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow $(pkg-config --cflags ck liburcu-cds)"
if $compiler --version | grep -q clang; then
	# Not: a style of older C and of C++; that there is padding, which is there for the cache; that ck's
	# inline functions are marked as perhaps not used; what liburcu's container_of() does to pointers;
	# that a variable is not set on a way that is not taken; the empty statement after glibc's
	# pthread_cleanup_pop(); that a name of the compiler is undefined, which chooses one of glibc's
	# two sorts of handlers.
	flags="$flags -Weverything -Wno-declaration-after-statement -Wno-c++98-compat -Wno-padded
		-Wno-used-but-marked-unused -Wno-cast-qual -Wno-cast-align -Wno-conditional-uninitialized -Wno-extra-semi-stmt
		-Wno-reserved-macro-identifier
		-Wno-unknown-warning-option"
	# Later versions': that an array is indexed at all, and that a switch has a default for an enum.
	flags="$flags -Wno-unsafe-buffer-usage -Wno-pre-c11-compat -Wno-switch-default"
fi
find "$source/lib" -name '*.c' | xargs -n 1 $compiler $flags -I"$source/include" -I"$source/lib"
