#!/bin/sh
# make install puts each file where it belongs, what is there works, and make uninstall leaves nothing of it.
set -eu
cd "$(dirname "$0")/.."
build=${BUILD:-build} make=${MAKE:-make}
dir=$(mktemp -d "${TMPDIR:-/tmp}/cio-import-install.XXXXXX")
trap 'rm -rf "$dir"' EXIT

fail() {
	echo "install: $1" >&2
	exit 1
}

# PREFIX ZSHDIR
try() {
	set -- "$1" "$2" "BUILD=$build" "DESTDIR=$dir/root" "PREFIX=$1" "ZSHDIR=$2"
	prefix=$1 zsh=$2
	shift 2
	cat >"$dir/want" <<-end
		644 $prefix/share/bash-completion/completions/cio-import
		644 $prefix/share/fish/vendor_completions.d/cio-import.fish
		644 $prefix/share/man/man1/cio-import-sandbox.1
		644 $prefix/share/man/man1/cio-import.1
		644 $zsh/_cio-import
		755 $prefix/bin/cio-import
		755 $prefix/bin/cio-import-sandbox
	end
	(umask 022 && $make --no-print-directory "$@" install >"$dir/log") || fail "make install failed"
	(cd "$dir/root" && find . -type f -printf '%m /%P\n' | LC_ALL=C sort) >"$dir/found"
	diff "$dir/want" "$dir/found" || fail "these are not the files that were to be there"
	"$dir/root$prefix/bin/cio-import" --version | grep -q '^cio-import [0-9]' || fail "what was installed does not run"
	"$dir/root$prefix/bin/cio-import-sandbox" --help | grep -q '^Usage: ' || fail "the sandbox that was installed does not run"
	grep -q -- --dry-run "$dir/root$zsh/_cio-import" || fail "the completion is empty"
	$make --no-print-directory "$@" uninstall >>"$dir/log" || fail "make uninstall failed"
	left=$(find "$dir/root" ! -type d)
	[ -z "$left" ] || fail "make uninstall left $left"
}

try /usr/local /usr/local/share/zsh/site-functions
try /usr /usr/share/zsh/vendor-completions
echo 'install: installs, runs and uninstalls'
