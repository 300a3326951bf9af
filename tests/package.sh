#!/usr/bin/env bash
# The Debian package: built, looked at by lintian, installed in a clean root, used there, removed and purged. The clean root
# is made by debootstrap, as root; CIO_BASE_TAR names a tar of one (of this Debian) that is there already. And the
# tarball: the same bytes twice, and what is in it builds. What this machine has not is named and left out.
# shellcheck disable=SC2016	# what stands in quotes is for the shells inside
set -u
cd "$(dirname "$0")/.." || exit 1
build=${BUILD:-build} make=${MAKE:-make}
dir=$(mktemp -d "${TMPDIR:-/tmp}/cio-import-package.XXXXXX")
root=$dir/root
trap 'rm -rf --one-file-system "$dir"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

say() {
	echo "package: $1"
}

fail() {
	[ ! -s "$dir/log" ] || tail -n 30 "$dir/log" >&2
	say "$1" >&2
	exit 1
}

quietly() {
	"$@" >>"$dir/log" 2>&1
}

have() {
	command -v "$1" >/dev/null || { say "$1 is not here: left out"; return 1; }
}

# COMMAND: as root in the clean root, with its own processes and mounts; they end with it.
inside() {
	unshare -m -p -f --kill-child sh -c 'mount -t proc proc "$1/proc" && mount --rbind /dev "$1/dev" &&
		exec chroot "$1" /usr/bin/env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 \
		DEBIAN_FRONTEND=noninteractive sh -ec "$2"' - "$root" "$1"
}

make_root() {
	local mirror suite

	mkdir "$root"
	if [ -n "${CIO_BASE_TAR:-}" ]; then
		tar -C "$root" -xf "$CIO_BASE_TAR" || fail "CIO_BASE_TAR cannot be unpacked"
	else
		suite=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
		mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' "Codename: $suite" | head -n 1)
		quietly debootstrap --variant=minbase "$suite" "$root" "$mirror" || fail "debootstrap made no root"
		apt-config dump Acquire | grep -v '::Languages\|::CompressionTypes' >"$root/etc/apt/apt.conf.d/90host"
	fi
	cp /etc/resolv.conf /etc/hosts "$root/etc/" || fail "the root cannot be written"
}

# Every file of the root but those that apt, dpkg and man-db keep for themselves.
files_of_root() {
	find "$root" -xdev \( -path "$root/proc" -o -path "$root/dev" -o -path "$root/tmp" -o -path "$root/var/log" \
		-o -path "$root/var/cache" -o -path "$root/var/lib/apt" -o -path "$root/var/lib/dpkg" \) -prune -o -printf '%P\n' | LC_ALL=C sort
}

use_it() {
	quietly inside '
		cio-import --version
		printf "id,plan\n1,free\n2,pro\n" >/tmp/users.csv
		cio-import --dry-run /tmp/users.csv >/tmp/requests.ndjson
		[ "$(wc -l </tmp/requests.ndjson)" = 2 ]
		cio-import-sandbox --port-file=/tmp/port >/dev/null &
		sandbox=$!
		for i in $(seq 100); do [ ! -s /tmp/port ] || break; sleep 0.1; done
		cd /tmp
		CUSTOMERIO_SITE_ID=sandbox CUSTOMERIO_TRACK_API_KEY=sandbox cio-import --url="http://127.0.0.1:$(cat port)" users.csv
		kill "$sandbox"
		wait "$sandbox"
		for page in cio-import cio-import-sandbox; do man -P cat "$page" | grep -q "$page"; done
		bash -n /usr/share/bash-completion/completions/cio-import
		[ -s /usr/share/zsh/vendor-completions/_cio-import ]
		[ -s /usr/share/fish/vendor_completions.d/cio-import.fish ]
		[ -s /usr/share/doc/cio-import/copyright ]
	' || fail "the installed package does not work"
}

try_package() {
	local deb=$1

	make_root
	cp "$deb" "$root/tmp/cio-import.deb"
	quietly inside "apt-get update; apt-get install -y --no-install-recommends man-db; cd /tmp
		apt-get satisfy -y --no-install-recommends '$(dpkg-deb -f "$deb" Depends)'" || fail "what it depends on cannot be installed"
	files_of_root >"$dir/before"
	quietly inside 'dpkg -i /tmp/cio-import.deb' || fail "it does not install"
	use_it
	quietly inside 'dpkg -r cio-import; dpkg -P cio-import' || fail "it does not remove"
	files_of_root >"$dir/after"
	diff "$dir/before" "$dir/after" || fail "it left something, or took something with it"
	inside 'dpkg -s cio-import 2>/dev/null' && fail "dpkg still knows it"
	say "installed, used, removed and purged in a clean root: nothing is left"
}

check_deb() {
	local deb=("$build"/deb/*.deb)

	[ -e "${deb[0]}" ] || fail "make deb made no package"
	if have lintian; then
		lintian --allow-root --fail-on error,warning "$build"/deb/*.changes || fail "lintian is not content"
		say "lintian is content"
	fi
	if [ "$(id -u)" != 0 ]; then
		say "only root can make a clean root: left out"
	elif [ -n "${CIO_BASE_TAR:-}" ] || have debootstrap; then
		try_package "${deb[0]}"
	fi
}

check_dist() {
	local i tarball tree

	for i in 1 2; do
		quietly "$make" BUILD="$dir/$i" dist || fail "make dist failed"
	done
	tarball=("$dir"/1/dist/*.tar.gz)
	cmp "${tarball[0]}" "$dir/2/dist/${tarball[0]##*/}" || fail "two tarballs of one commit differ"
	mkdir "$dir/unpacked"
	tar -C "$dir/unpacked" -xzf "${tarball[0]}" || fail "the tarball cannot be unpacked"
	tree=("$dir"/unpacked/*)
	quietly "$make" -C "${tree[0]}" BUILD=build all || fail "what is in the tarball does not build"
	say "the tarball is the same twice, and builds"
}

if have dpkg-buildpackage && have dh; then
	quietly "$make" BUILD="$build" deb || fail "make deb failed"
	check_deb
fi
if [ -e .git ]; then
	check_dist
else
	say "this is no git checkout: no tarball"
fi
