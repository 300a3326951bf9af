#!/bin/sh
# make demo: imports fixtures/users.csv to a sandbox on this machine, shows what a user sees, and fails where that is
# not what it should be. Everything happens in a temporary directory.
set -eu
cd "$(dirname "$0")/.."
build=$(cd "${BUILD:-build}" && pwd)
fixtures=$PWD/fixtures
dir=$(mktemp -d "${TMPDIR:-/tmp}/cio-import-demo.XXXXXX")
sandbox=

clean_up() {
	if [ -n "$sandbox" ]; then kill "$sandbox" 2>/dev/null || :; fi
	rm -rf "$dir"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

fail() {
	echo "demo: $1" >&2
	exit 1
}

cp "$fixtures/users.csv" "$dir"
cd "$dir"
"$build/cio-import-sandbox" --rate-limit=100 --port-file=port >sandbox.out &
sandbox=$!
tries=0
until [ -f port ]; do
	tries=$((tries + 1))
	[ $tries -le 200 ] || fail "the sandbox did not start"
	sleep 0.05
done

cat sandbox.out
CUSTOMERIO_SITE_ID=sandbox CUSTOMERIO_TRACK_API_KEY=sandbox CUSTOMERIO_URL=http://127.0.0.1:$(cat port)
export CUSTOMERIO_SITE_ID CUSTOMERIO_TRACK_API_KEY CUSTOMERIO_URL
echo
echo '$ cio-import --rate=90 users.csv'
{
	set +e
	PATH=$build:$PATH cio-import --rate=90 users.csv 2>&1
	echo $? >status
} | tee said
echo
echo '$ cat users.rejected.csv'
cat users.rejected.csv
echo
kill -INT "$sandbox"
wait "$sandbox" || fail "the sandbox ended badly"
sandbox=
sed 1d sandbox.out | tee summary

[ "$(cat status)" = 1 ] || fail "exit status $(cat status), not 1 (three records are invalid)"
grep -q '^Done: 2497 processed, 3 errors$' said || fail "2497 people were to arrive, and 3 not"
[ "$(grep -c '^users\.csv:[0-9]*: ' said)" = 3 ] || fail "three error lines were to come"
for line in 414 1045 2080; do
	grep -q "^users\.csv:$line: " said || fail "line $line was to be named"
done
[ "$(wc -l <users.rejected.csv)" = 4 ] || fail "users.rejected.csv was to hold a header and three rows"
grep -q '^sandbox: 2497 people, ' summary || fail "the sandbox was to hold 2497 people"
[ ! -e users.csv.cio-state ] || fail "the state file was to be gone"
