# For other scripts: what a build of the library needs, and no more.
# copy_library SOURCE DIRECTORY
copy_library() {
	local part
	for part in meson.build meson_options.txt cmake tools include lib; do
		cp -r "$1/$part" "$2"
	done
}
