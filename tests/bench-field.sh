#!/usr/bin/env bash
# make bench-field: how fast it is where people are: against a server that allows less than is asked for, far away, over a slow
# uplink, and with other runs beside it. Limits are in virtual time, and exact; the rest is real: the sandbox behind a relay
# that is as slow as such a network. What others write around the official SDK runs beside it where node and npm are there.
#
#   FIELD_SECONDS  how long each real run lasts at best (30)
#   FIELD_SEEDS    runs of each limit in virtual time (8)
set -euo pipefail
cd "$(dirname "$0")/.."
build=$(cd "${BUILD:-build}" && pwd)
seconds=${FIELD_SECONDS:-30} seeds=${FIELD_SEEDS:-8}
bench=$PWD/tests/bench
dir=$build/bench/field
sdk=$build/bench/sdk
mkdir -p "$dir"
rm -rf "${dir:?}"/*
pids=()
left_out=
export CUSTOMERIO_SITE_ID=sandbox CUSTOMERIO_TRACK_API_KEY=sandbox

clean_up() {
	if [ ${#pids[@]} != 0 ]; then kill "${pids[@]}" 2>/dev/null || :; fi
	pids=()
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# -- places: a sandbox behind a relay --

wait_for() {
	for _ in $(seq 200); do
		[ -s "$1" ] && return
		sleep 0.05
	done
	echo "bench-field: $1 does not come" >&2
	exit 1
}

# place NAME LATENCY_MS UPLINK SANDBOX_OPTION...: its log is NAME.log, its address in $url
place() {
	local name=$1 latency=$2 uplink=$3
	shift 3
	"$build/cio-import-sandbox" --port-file="$dir/$name.port" --log="$dir/$name.log" "$@" >"$dir/$name.sandbox" 2>&1 &
	pids+=($!)
	wait_for "$dir/$name.port"
	"$build/bench/relay" "$(cat "$dir/$name.port")" "$latency" "$uplink" "$dir/$name.relay" >"$dir/$name.up" &
	pids+=($!)
	wait_for "$dir/$name.relay"
	url=http://127.0.0.1:$(cat "$dir/$name.relay")
}

# people NAME COUNT
people() {
	"$build/bench/generate" csv "$2" >"$dir/$1.csv"
}

# -- clients, each in the background --

clients=()

# import NAME OPTION...: sends NAME.csv to $url
import() {
	local name=$1
	shift
	CUSTOMERIO_URL=$url timeout $((seconds * 4 + 60)) "$build/cio-import" --no-state --quiet --rejects="$dir/$name.rejects" \
		--summary="$dir/$name.summary" "$@" "$dir/$name.csv" >"$dir/$name.out" 2>&1 &
	clients+=($!)
}

# script NAME SECONDS SCRIPT ARGUMENT...: one of the SDK's, in its directory, for so long at most
script() {
	local name=$1 most=$2 what=$3
	shift 3
	(cd "$sdk" && exec timeout "$most" node "$bench/$what" "$@") >"$dir/$name.out" 2>"$dir/$name.err" &
	clients+=($!)
}

# One that ends with an error has its place in the table all the same.
wait_for_clients() {
	for client in "${clients[@]}"; do wait "$client" || :; done
	clients=()
}

have_sdk() {
	if [ ! -d "$sdk/node_modules/p-queue" ] && command -v node >/dev/null && command -v npm >/dev/null; then
		mkdir -p "$sdk"
		npm install --silent --no-audit --no-fund --prefix "$sdk" customerio-node@5 csv-parse@5 p-queue@8 >&2 || :
	fi
	[ -d "$sdk/node_modules/p-queue" ] || { left_out=" customerio-node p-queue"; return 1; }
}

# -- figures, from a place's log and a run's summary --

# accepted NAME: single requests that were, a second, from the first to the last
accepted() {
	sed -n 's/.*"at_us":\([0-9]*\),.*"method":"PUT".*"status":200.*/\1/p' "$dir/$1.log" |
		awk 'NR == 1 { first = $1 } { last = $1 } END { if (NR > 1) printf "%.1f/s", (NR - 1) * 1e6 / (last - first); else print "-" }'
}

# refused NAME
refused() {
	grep -c '"status":429' "$dir/$1.log" || :
}

# summary NAME MEMBER
summary() {
	sed -n "s/.*\"$2\":\\([0-9.]*\\).*/\\1/p" "$dir/$1.summary"
}

# lost NAME: records that a script gave up
lost() {
	tail -1 "$dir/$1.out" | grep . || echo -
}

row() {
	printf '%-44s %16s %16s %16s\n' "$@" | sed 's/ *$//'
}

# -- the parts --

limits() {
	echo "A limit below the rate, in virtual time: share of what the server would have taken / requests refused"
	row "" "halve, climb" "AWS SDKs' cubic" "cio-import"
	"$build/bench/limits" "$seeds" | while IFS='|' read -r name halve cubic learn; do row "$name" "$halve" "$cubic" "$learn"; done
}

begin_far() {
	for ms in 150 400; do
		people "far$ms" $((98 * seconds))
		place "far$ms" $((ms / 2)) 0
		import "far$ms" --rate=98
		have_sdk || continue
		for how in seed p-queue; do
			people "$how$ms" $((98 * seconds))
			place "$how$ms" $((ms / 2)) 0
			script "$how$ms" "$seconds" field.mjs "$how" "$dir/far$ms.csv" "$url" 98
		done
	done
}

far() {
	echo
	echo "98 requests a second asked for, a server far away: accepted a second"
	row "" "SDK, one by one" "SDK, p-queue" "cio-import"
	for ms in 150 400; do
		if have_sdk; then
			row "$ms ms there and back" "$(accepted "seed$ms")" "$(accepted "p-queue$ms")" "$(accepted "far$ms")"
		else
			row "$ms ms there and back" - - "$(accepted "far$ms")"
		fi
	done
}

begin_limited() {
	people limited $((60 * seconds))
	place limited 10 0 --rate-limit=60
	import limited --rate=80
	have_sdk || return 0
	for how in seed p-queue; do
		place "$how-limited" 10 0 --rate-limit=60
		script "$how-limited" $((seconds * 4 + 60)) field.mjs "$how" "$dir/limited.csv" "$url" 80
	done
}

limited() {
	echo
	echo "80 a second asked for, 60 allowed in any second: accepted a second / requests refused / records lost"
	row "" "SDK, one by one" "SDK, p-queue" "cio-import"
	local mine lost
	lost=$(summary limited errors)
	mine="$(accepted limited) / $(refused limited) / ${lost:--}"
	if have_sdk; then
		row "$((60 * seconds)) records" "$(accepted seed-limited) / $(refused seed-limited) / $(lost seed-limited)" \
			"$(accepted p-queue-limited) / $(refused p-queue-limited) / $(lost p-queue-limited)" "$mine"
	else
		row "$((60 * seconds)) records" - - "$mine"
	fi
}

# Two runs that ask for 50 a second each, with one rate between them and without.
begin_shared() {
	for how in own shared; do
		place "$how" 5 0
		for run in 1 2; do
			people "$how$run" $((25 * seconds))
			if [ "$how" = own ]; then import "$how$run"; else import "$how$run" --rate-file="$dir/rate"; fi
		done
	done
}

shared() {
	echo
	echo "two runs beside each other, 50 a second: accepted a second, together"
	row "" "each its own" "" "--rate-file"
	row "$((25 * seconds)) records each" "$(accepted own)" "" "$(accepted shared)"
}

# As many rows as the uplink carries in that time; what they need once is what a run sends that nothing holds up.
begin_slow() {
	for kb in 250 75; do
		people "slow$kb" $((kb * 1000 * seconds / 200))
		place "once$kb" 0 0
		cp "$dir/slow$kb.csv" "$dir/once$kb.csv"
		import "once$kb" --batch --rate=unlimited
		place "slow$kb" 20 $((kb * 1000))
		import "slow$kb" --batch
		have_sdk || continue
		place "sdk$kb" 20 $((kb * 1000))
		script "sdk$kb" $((seconds * 4 + 60)) sdk.mjs "$dir/slow$kb.csv" "$url"
	done
}

# arrived NAME: people that did, however often
arrived() {
	sed -n 's/.*"people":\([0-9]*\),.*/\1/p' "$dir/$1.log" | awk '{ n += $1 } END { print n + 0 }'
}

# slow_figure NAME KB: share of the link, and how often a person arrived
slow_figure() {
	local records time
	records=$(summary "once$2" processed) # what did not arrive was not carried
	time=$(cut -d' ' -f2 "$dir/$1.up")
	awk -v bytes="$(summary "once$2" bytes_sent)" -v link="$2" -v time="$time" -v came="$(arrived "$1")" -v want="$records" 'BEGIN {
		printf "%.2f / %.2f", bytes * (came < want ? came / want : 1) / (link * 1000 * (time + 1e-9)), came / want
	}'
}

slow() {
	echo
	echo "batches over a slow uplink, 40 ms there and back: share of the link that carries what is needed / copies of it that arrive"
	row "" "SDK's batch()" "" "cio-import"
	for kb in 250 75; do
		if have_sdk; then
			row "$kb kB/s" "$(slow_figure "sdk$kb" "$kb")" "" "$(slow_figure "slow$kb" "$kb")"
		else
			row "$kb kB/s" - "" "$(slow_figure "slow$kb" "$kb")"
		fi
	done
}

limits
begin_far
begin_limited
begin_shared
begin_slow
wait_for_clients
clean_up # the relays say what went up
sleep 1
far
limited
shared
slow
echo
echo "machine: $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1), $(nproc) cores, load $(cut -d' ' -f1 /proc/loadavg); $(date -u +%F)"
if [ -n "$left_out" ]; then echo "left out, for it is not here:$left_out"; fi
