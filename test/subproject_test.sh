#!/usr/bin/env bash
# subproject_test.sh SOURCE COMPILER: the tree serves as a meson subproject.
set -eu
source=$1 compiler=$2
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT

mkdir -p "$directory/subprojects/magring"
. "$(dirname "$0")/copy_library.sh"
copy_library "$source" "$directory/subprojects/magring"
cp "$source/test/example.c" "$directory"
cat >"$directory/meson.build" <<'MESON'
project('user', 'c', default_options: ['c_std=c11', 'warning_level=2', 'werror=true'])
magring_dep = dependency('magring', fallback: 'magring')
test('example', executable('example', 'example.c', dependencies: magring_dep))
MESON
cd "$directory"
CC=$compiler meson setup build --wrap-mode=forcefallback >setup.log 2>&1 || { cat setup.log; exit 1; }
meson test -C build >test.log 2>&1 || { cat test.log; exit 1; }
test "$(build/example)" = "a payload"
test ! -e build/subprojects/magring/test || { echo "a subproject must not build its tests"; exit 1; }
echo "built and run as a subproject"
