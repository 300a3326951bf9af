#!/usr/bin/env bash
# Static checks of the program, of the sandbox, and of what else the tests stand on; the suites themselves are left out: a
# check there that fails by crashing has failed all the same. Each tool that is there is run, one that is not is named.
# PKG_FLAGS come from the Makefile.
set -u
cd "$(dirname "$0")/.." || exit 1
read -ra flags <<<"-std=c11 -D_GNU_SOURCE -Isrc -Itests ${PKG_FLAGS:-}"
shopt -s extglob
files=(src/*.c src/*/*.c tests/!(check_*|main).c tests/fuzz/*.c)
bad=0

have() {
	command -v "$1" >/dev/null || { echo "lint: $1 is not here: left out"; return 1; }
}

# COMMAND...: with each file in turn, as many at a time as there are processors.
each_file() {
	printf '%s\n' "${files[@]}" | xargs -P "$(getconf _NPROCESSORS_ONLN)" -I{} "$@" || bad=1
}

# A folder may include only what stands below it; store, send and queue do not know each other (README, "Where things are").
declare -A rank=([base]=0 [input]=1 [operation]=2 [store]=3 [send]=3 [queue]=3 [options]=4 [show]=5 [run]=6)
while IFS=: read -r file line; do
	from=${file#src/} from=${from%%/*} to=${line#*\"} to=${to%%/*}
	[ "$from" = main.c ] || [ "$from" = "$to" ] || [ "${rank[$from]}" -gt "${rank[$to]:-9}" ] ||
		{ echo "lint: $file: $line: $from/ may not include $to/"; bad=1; }
done < <(grep -H '^#include "' src/*.c src/*/*.[ch])

# What only Linux has is in base/os.c, and in tests/unix.c and what is preloaded.
if grep -nE '^#include <(linux/|sys/(prctl|random|epoll|eventfd|timerfd|signalfd|sendfile|syscall)\.h)' \
	src/*.c src/*/!(os).[ch] tests/!(unix|fault|oom).[ch] ||
	grep -nE '\b(usleep|pipe2|mkostemp|ppoll|memmem|memrchr|asprintf|timegm|strsep|strcasestr|execvpe|explicit_bzero|getrandom)\(' \
	src/*.c src/*/!(os).[ch] tests/!(unix|fault|oom).[ch] tests/fuzz/*.c; then
	echo 'lint: POSIX does not have that: base/os.h or tests/unix.h does, or is the place for it'; bad=1
fi

# A file begins with the sentence that says what it is; a function fits a glance (STYLE).
for file in src/*.c src/*/*.[ch] tests/*.[ch] tests/*/*.[ch]; do
	[ "$(head -c 2 "$file")" = '/*' ] || { echo "lint: $file does not begin with what it is"; bad=1; }
done
awk '/^\{/ { open = FNR } /^\}/ && open && FNR - open > 42 { print "lint: " FILENAME ":" open ": " FNR - open - 1 " lines in a function"; bad = 1 }
	/^\}/ { open = 0 } END { exit bad }' src/*.c src/*/*.[ch] || bad=1

if have clang-format; then
	clang-format --dry-run -Werror src/*.c src/*/*.[ch] tests/*.[ch] tests/*/*.[ch] || bad=1
fi
if have gcc; then
	each_file gcc "${flags[@]}" -Wall -Wextra -Werror -O1 -fanalyzer -c -o /dev/null {}
fi
if have cppcheck; then
	# log.c: a reason that is to be written to is taken for one that is read
	cppcheck -q --std=c11 --enable=warning,performance,portability --inline-suppr --error-exitcode=1 \
		--suppress=missingIncludeSystem --suppress=ctuuninitvar:src/base/log.c -D_GNU_SOURCE -Isrc -Itests "${files[@]}" || bad=1
fi
if have clang-tidy; then
	# one file a run: its analyzer forgets va_start in the second file of a run
	each_file clang-tidy --quiet {} -- "${flags[@]}" 2>/dev/null
fi
if have mandoc; then
	mandoc -T lint -W warning man/*.1 || bad=1
fi
if have shellcheck; then
	shellcheck .ci/run fixtures/*.sh tests/*.sh || bad=1
fi
[ $bad = 0 ] && echo "lint: clean"
exit $bad
