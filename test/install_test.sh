#!/usr/bin/env bash
# install_test.sh BUILD COMPILER: what `meson install` leaves can be used through
# pkg-config, as a shared library and as a static one.
set -eu
build=$1 compiler=$2
here=$(cd "$(dirname "$0")" && pwd)
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT

meson install -C "$build" --no-rebuild --quiet --destdir "$directory/root"
pc=$(find "$directory/root" -name magring.pc)
library=$(dirname "$(find "$directory/root" -name libmagring.so)")
test -f "$library/libmagring.so.0"
test -f "$library/libmagring.a"
if find "$directory/root" -type f | grep -E 'private|_test|steady'; then
	echo "that should not have been installed"
	exit 1
fi

export PKG_CONFIG_SYSROOT_DIR=$directory/root
PKG_CONFIG_PATH=$(dirname "$pc")
export PKG_CONFIG_PATH
# liburcu is the system's: the sysroot must not be put before its paths as well.
flags() {
	pkg-config "$@" | sed "s, -[LI]$directory/root/usr/\(lib\|include\)[^ ]*urcu[^ ]*,,g"
}

cflags=$(flags --cflags magring)
libs=$(flags --libs magring)
grep -q -- "-lurcu" <<<"$libs" && { echo "a user of the shared library need not link liburcu"; exit 1; }
$compiler -std=c11 -Wall -Wextra -Werror $cflags "$here/example.c" -o "$directory/shared" $libs
test "$(LD_LIBRARY_PATH=$library "$directory/shared")" = "a payload"
readelf -dW "$directory/shared" | grep -q 'NEEDED.*\[libmagring\.so\.0\]'

libs=$(flags --static --libs magring)
$compiler -std=c11 -Wall -Wextra -Werror -static $cflags "$here/example.c" -o "$directory/static" $libs
test "$("$directory/static")" = "a payload"
readelf -dW "$directory/static" | grep -q NEEDED && { echo "that is not static"; exit 1; }
version=$(pkg-config --modversion magring)
grep -q "version: '$version'" "$here/../meson.build"
echo "shared and static: $version"
