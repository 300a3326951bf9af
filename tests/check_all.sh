#!/usr/bin/env bash
# The long checks, one after the other: a line for each, with its time; a step that fails does not stop the next. What each
# said is in $BUILD/check-all. Words on the command line choose among the steps: tests/check_all.sh gcc lint.
set -u
cd "$(dirname "$0")/.." || exit 1
build=${BUILD:-build} make=${MAKE:-make}
logs=$build/check-all
passed=0 failed=0 chosen=" $* "

# NAME COMMAND...
step() {
	local name=$1 began=$SECONDS status
	shift
	[[ "$chosen" == "  " || "$chosen" == *" $name "* ]] || return
	"$@" >"$logs/$name.log" 2>&1
	status=$?
	printf '%-9s %4d s  ' "$name" $((SECONDS - began))
	case $status in
	0) echo "passed$(said "$name")"; passed=$((passed + 1)) ;;
	77) echo "left out$(said "$name")" ;;
	*) echo "FAILED$(said "$name")"; failed=$((failed + 1)); complain "$logs/$name.log" ;;
	esac
}

# NAME: the closing line of the suites in the step's log, and what was left out there.
said() {
	awk '/^[0-9]+%: Checks: / { gsub(/,/, ""); checks = $3; failures = $5; errors = $7 }
		/ is not here/ { absent = absent "; " $0 }
		END { if (checks) printf ", Checks: %d, Failures: %d, Errors: %d", checks, failures, errors; printf "%s", absent }' "$logs/$1.log"
}

# LOG: what of it is likely to say what failed.
complain() {
	{
		grep -E '^[^ ]+:[0-9]+:[FE]:|error:|^==[0-9]+==' "$1" | head -n 30
		tail -n 5 "$1"
		echo "see $1"
	} | sed 's/^/    /'
}

# TOOL COMMAND...: where the tool is there.
with() {
	command -v "$1" >/dev/null || { echo "$1 is not here"; return 77; }
	"${@:2}"
}

# SUITE VARIABLE=VALUE...: one suite of gcc's build.
suite() {
	"$make" CC=gcc BUILD="$build/gcc" test-programs && env BUILD="$build/gcc" CK_RUN_SUITE="$1" "${@:2}" "$build/gcc/unit"
}

# The suites in which two threads work side by side, and one wrong access ends the program.
threads() {
	"$make" SANITIZE=thread BUILD="$build/tsan" test-programs || return
	BUILD="$build/tsan" CK_TIMEOUT_MULTIPLIER=5 "$build/tsan/unit" producer batches cutting order cli
}

mkdir -p "$logs" || exit 1
step gcc "$make" CC=gcc BUILD="$build/gcc" test-now
step clang with clang "$make" CC=clang BUILD="$build/clang" test-now
step portable "$make" PORTABLE=1 BUILD="$build/portable" test-now
step sanitize "$make" SANITIZE=1 BUILD="$build/asan" test-now
step threads threads
step valgrind with valgrind "$make" BUILD="$build/gcc" valgrind
step crash suite crash CIO_CRASH_ROUNDS=20
step once suite once CIO_CRASH_ROUNDS=20
step simulate "$make" CC=gcc BUILD="$build/gcc" simulate SEEDS="${CIO_LIVES:-1000000}" JOBS="$(nproc)"
step proof "$make" CC=gcc BUILD="$build/gcc" simulate-proof
step memory suite failures CK_RUN_CASE=memory CIO_OOM_STEP=1 CK_TIMEOUT_MULTIPLIER=10
step fuzz with clang "$make" BUILD="$build" fuzz
step lint "$make" lint
step package "$make" BUILD="$build" check-deb
echo "check-all: $passed passed, $failed failed"
[ $failed = 0 ] && [ $passed -gt 0 ]
