#!/usr/bin/env bash
# Static checks. Each tool that is there is run; one that is not is named. CC and PKG_FLAGS come from the Makefile.
set -u
cd "$(dirname "$0")/.." || exit 1
flags="-std=c11 -D_GNU_SOURCE -Isrc -Itests ${PKG_FLAGS:-}"
bad=0
have() { command -v "$1" >/dev/null || { echo "lint: $1 is not here: left out"; return 1; }; }

if have gcc; then
	for f in src/*.c; do	# the analyzer sees one file at a time; two at once
		echo "$f"
	done | xargs -P 2 -I{} sh -c "gcc $flags -Wall -Wextra -Werror -O1 -fanalyzer -c -o /dev/null {} || { echo {}: -fanalyzer; exit 1; }" || bad=1
fi
if have cppcheck; then
	cppcheck -q --std=c11 --enable=warning,performance,portability --inline-suppr --suppress=missingIncludeSystem \
		--error-exitcode=1 -D_GNU_SOURCE -Isrc src || bad=1
fi
if have clang-tidy; then
	# shellcheck disable=SC2086
	clang-tidy --quiet src/*.c -- $flags 2>/dev/null || bad=1
fi
if have mandoc; then
	mandoc -T lint -W warning man/cio-import.1 || bad=1
fi
if have shellcheck; then
	shellcheck .ci/run tests/*.sh || bad=1
fi
[ $bad = 0 ] && echo "lint: clean"
exit $bad
