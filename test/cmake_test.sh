#!/usr/bin/env bash
# cmake_test.sh BUILD COMPILER [C++ COMPILER]: what `meson install` leaves is
# found by find_package(magring), wherever it is moved to, as a shared library
# and as a static one, from C and from C++. 77: there is no cmake.
set -eu
build=$1 cc=$2 cxx=${3:-}
here=$(cd "$(dirname "$0")" && pwd)
command -v cmake >/dev/null || { echo "there is no cmake"; exit 77; }
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
unset CMAKE_PREFIX_PATH CFLAGS CXXFLAGS LDFLAGS

meson install -C "$build" --no-rebuild --quiet --destdir "$directory/staged"
header=$(find "$directory/staged" -name magring.h)
if grep -rn "$directory\|$(cd "$build" && pwd)" "$directory/staged" --include='*.cmake'; then
	echo "an installed file names a directory of the build"
	exit 1
fi

mkdir "$directory/source"
cp "$here/example.c" "$here/header_cpp.cpp" "$directory/source"
languages=C
test -z "$cxx" || languages="C CXX"
cat >"$directory/source/CMakeLists.txt" <<CMAKE
cmake_minimum_required(VERSION 3.13)
project(user LANGUAGES $languages)
find_package(magring \${WANTED} REQUIRED \${MORE})
find_package(magring \${WANTED} REQUIRED) # a second time, as in a part of the project
message(STATUS "magring \${magring_VERSION} in \${magring_DIR}")
set(programs example.c)
if(CMAKE_CXX_COMPILER)
  set(CMAKE_CXX_STANDARD 17)
  list(APPEND programs header_cpp.cpp)
endif()
foreach(program IN LISTS programs)
  get_filename_component(name \${program} NAME_WE)
  add_executable(\${name}_shared \${program})
  target_link_libraries(\${name}_shared PRIVATE magring::magring)
  add_executable(\${name}_static \${program})
  target_link_libraries(\${name}_static PRIVATE magring::magring_static)
endforeach()
CMAKE

# configure NAME PREFIX [CMAKE OPTION...]
configure() {
	local name=$1 prefix=$2
	shift 2
	CC=$cc CXX=$cxx cmake -S "$directory/source" -B "$directory/$name" \
		-DCMAKE_PREFIX_PATH="$prefix" "$@" >"$directory/$name.log" 2>&1
}
must_configure() {
	configure "$@" || { cat "$directory/$1.log"; exit 1; }
}
# must_refuse NAME WHAT PREFIX [CMAKE OPTION...]
must_refuse() {
	local name=$1 what=$2
	shift 2
	! configure "$name" "$@" || { echo "$* should have been refused"; exit 1; }
	grep -qF "$what" "$directory/$name.log" || { cat "$directory/$name.log"; exit 1; }
}
build_and_run() {
	local name=$1 program
	cmake --build "$directory/$name" >"$directory/$name.log" 2>&1 ||
		{ cat "$directory/$name.log"; exit 1; }
	for program in shared static; do
		test "$("$directory/$name/example_$program")" = "a payload"
		test -z "$cxx" || "$directory/$name/header_cpp_$program"
	done
	readelf -dW "$directory/$name/example_shared" | grep -q 'NEEDED.*\[libmagring\.so\.0\]'
	if readelf -dW "$directory/$name/example_static" | grep 'NEEDED.*magring'; then
		echo "that is not static"
		exit 1
	fi
}

prefix=${header%/include/magring.h}
version=$(sed -n "s/.*version: '\([0-9.]*\)',/\1/p" "$here/../meson.build" | head -1)
must_configure staged "$prefix"
grep -q "magring $version in $prefix" "$directory/staged.log" ||
	{ cat "$directory/staged.log"; echo "another magring was found"; exit 1; }
build_and_run staged

# The versions that will do, and those that will not.
for wanted in "$version" "${version%.*}" "${version%%.*}" "0...99" "$version;EXACT"; do
	must_configure staged "$prefix" -DWANTED="$wanted"
done
for wanted in 99 "${version%%.*}.99" "$version.1" "99...100" "0...<$version"; do
	must_refuse staged "version: $version" "$prefix" -DWANTED="$wanted"
done
must_refuse staged "no component static" "$prefix" -DWANTED= -DMORE="COMPONENTS;static"

# Moved, with a blank in its name.
mv "$prefix" "$directory/else where"
must_configure moved "$directory/else where" -DWANTED="$version"
build_and_run moved
echo "shared and static, ${languages// CXX/ and C++}: $version"
