#!/usr/bin/env bash
# make bench: how fast it is, beside others that do the same or less on the same data. Everything that is compared runs in turn,
# round after round, and medians are compared: quote the ratios, for the absolutes are this machine's. What is not
# installed (wrk, jq, Miller, node) is left out, and named.
#
#   BENCH_ROWS     rows of the large files (1000000)
#   BENCH_SINGLE   records that are sent one by one (60000)
#   BENCH_ROUNDS   rounds (3)
#   BENCH_MEMORY   rows of one more run by single requests, for its memory (none; 10000000 takes minutes)
set -euo pipefail
cd "$(dirname "$0")/.."
build=$(cd "${BUILD:-build}" && pwd)
rows=${BENCH_ROWS:-1000000} single=${BENCH_SINGLE:-60000} rounds=${BENCH_ROUNDS:-3} memory=${BENCH_MEMORY:-0}
few=$((rows / 10))	# for those that are slow
bench=$PWD/tests/bench
dir=$build/bench
sdk=$dir/sdk/node_modules/customerio-node
mkdir -p "$dir/runs"
rm -f "$dir"/runs/* "$dir"/*.cio-state "$dir"/port
sink=
left_out=
lines=

clean_up() {
	if [ -n "$sink" ]; then kill "$sink" 2>/dev/null || :; fi
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

have() {
	command -v "$1" >/dev/null && return
	left_out="$left_out $1"
	return 1
}

# -- data, made once --

# generate FORMAT ROWS NAME
generate() {
	[ -s "$dir/$3" ] || { "$build/bench/generate" "$1" "$2" >"$dir/$3.new" && mv "$dir/$3.new" "$dir/$3"; }
}

# -- running --

# run NAME COMMAND...: in $dir, its figures go to runs/NAME, its output to $out
out=/dev/null
run() {
	local name=$1
	shift
	(cd "$dir" && "$build/bench/measure" "runs/$name" "$@" >"$out" 2>runs/err) || {
		echo "bench: $name: $* ended with an error:" >&2
		tail -5 "$dir/runs/err" >&2
		exit 1
	}
}

# import NAME ARGUMENT...: to the sink
import() {
	local name=$1
	shift
	run "$name" "$build/cio-import" --rate=unlimited --rejects=runs/rejects "$@"
}

dry() {
	local name=$1
	shift
	run "$name" "$build/cio-import" --dry-run "$@"
}

# -- figures --

# median NAME COLUMN: 1 seconds, 2 seconds of CPU, 3 KiB
median() {
	sort -g -k"$2","$2" "$dir/runs/$1" | awk -v c="$2" '{ v[NR] = $c } END { print v[int((NR + 1) / 2)] }'
}

calc() {
	awk "BEGIN { printf \"$1\", $2 }"
}

# line WHAT FIGURE RATIO GOAL
line() {
	lines="$lines$1|$2|$3|$4"$'\n'
}

head_line() {
	line "" "" "" ""
	line "$1" "" "" ""
}

# rate NAME COUNT: "1,234,567/s"
rate() {
	calc "%d" "$2 / $(median "$1" 1)" | sed ':a;s/\B[0-9]\{3\}\>/,&/;ta' | sed 's:$:/s:'
}

# mb NAME FILE: MB/s
mb() {
	calc "%.0f MB/s" "$(stat -c %s "$dir/$2") / 1e6 / $(median "$1" 1)"
}

# faster NAME OTHER: how often NAME's seconds go into OTHER's; and for runs of other sizes, rows of each
faster() {
	calc "%.2f" "$(median "$2" 1) / $(median "$1" 1) * ${3:-1} / ${4:-1}"
}

# cheaper NAME OTHER: the same in CPU time, which a busy machine disturbs less
cheaper() {
	calc "%.2f" "$(median "$2" 2) / $(median "$1" 2)"
}

# -- the rounds --

start_round() {
	printf 'bench: round %d of %d\n' "$1" "$rounds" >&2
}

begin() {
	if [ "$(cat "$dir/sizes" 2>/dev/null)" != "$rows $single" ]; then
		rm -f "$dir"/*.csv "$dir"/*.ndjson "$dir"/*.json
		echo "$rows $single" >"$dir/sizes"
	fi
	generate csv "$rows" users.csv
	generate ndjson "$rows" users.ndjson
	[ -s "$dir/users.json" ] || { echo '['; sed '$!s/$/,/' "$dir/users.ndjson"; echo ']'; } >"$dir/users.json"
	generate csv "$few" few.csv
	generate ndjson "$few" few.ndjson
	generate csv "$single" single.csv
	generate csv 1 one.csv
	"$build/bench/sink" "$dir/port" &
	sink=$!
	for _ in $(seq 100); do [ -s "$dir/port" ] || sleep 0.05; done
	url=http://127.0.0.1:$(cat "$dir/port")
	export CUSTOMERIO_SITE_ID=sandbox CUSTOMERIO_TRACK_API_KEY=sandbox CUSTOMERIO_URL=$url
	out=requests.ndjson dry requests --limit=2000 single.csv
	export BENCH_REQUESTS=$dir/requests.ndjson
	if [ ! -d "$sdk" ] && have node && have npm; then
		mkdir -p "$dir/sdk"
		npm install --silent --no-audit --no-fund --prefix "$dir/sdk" customerio-node@5 csv-parse@5 >&2 || rm -rf "$dir/sdk"
	fi
	if [ ! -d "$sdk" ]; then left_out="$left_out customerio-node"; fi
}

round_wrk() {
	out=runs/out run wrk wrk -t1 -c10 -d3s -s "$bench/wrk.lua" "$url"
	# seconds and CPU for as many requests as the others send
	awk -v want="$single" 'FNR == NR { if (/requests in/) n = $1; next } END { print $1 * want / n, $2 * want / n, $3 }' \
		"$dir/runs/out" "$dir/runs/wrk" >>"$dir/runs/wrk_each"
}

round_single() {
	if have wrk; then round_wrk; fi
	import single --no-state single.csv
	run curl "$build/bench/loop_curl" "$url" "$single" 10
	import single_state --state=single.cio-state single.csv
	for _ in 1 2 3 4 5; do
		import one --no-state one.csv
		run version "$build/cio-import" --version
	done
}

round_batch() {
	import batch_csv --batch --no-state users.csv
	run loop_csv "$build/bench/loop_csv" users.csv
	import batch_state --batch --state=batch.cio-state users.csv
	import batch_ndjson --batch --no-state users.ndjson
	import batch_json --batch --no-state users.json
	run loop_json "$build/bench/loop_json" users.ndjson
}

round_dry() {
	dry dry_csv users.csv
	dry dry_ndjson users.ndjson
	dry dry_json users.json
	dry dry_batch_csv --batch users.csv
	dry dry_batch_ndjson --batch users.ndjson
	run wc_csv wc -l users.csv
	run wc_ndjson wc -l users.ndjson
}

round_others() {
	if have jq; then run jq jq -c . few.ndjson; fi
	if have mlr; then
		run mlr_csv mlr --icsv --ojsonl cat few.csv
		run mlr_ndjson mlr --ijsonl --ojsonl cat few.ndjson
	fi
	if [ -d "$sdk" ]; then
		run sdk env -C sdk node "$bench/sdk.mjs" ../few.csv "$url"
	fi
}

# -- the table --

table_single() {
	head_line "single requests ($single)"
	line "cio-import" "$(rate single "$single")" "" ""
	if [ -s "$dir/runs/wrk" ]; then
		line "wrk, one thread, the same connections and bodies" "$(rate wrk_each "$single")" "" ""
		line "  cio-import : wrk" "" "$(faster single wrk_each)" "0.40"
		line "  CPU a request : wrk's" "" "$(calc "%.2f" "$(median single 2) / $(median wrk_each 2)")" "at most 2.5"
	fi
	line "bare loop on libcurl multi" "$(rate curl "$single")" "" ""
	line "  cio-import : bare loop" "" "$(faster single curl)" ""
	line "  with the state file : without" "" "$(faster single_state single)" "0.90"
	line "one record, start to end" "$(calc "%.1f ms" "$(median one 1) * 1000")" "" "15 ms"
	line "--version" "$(calc "%.1f ms" "$(median version 1) * 1000")" "" "a few ms"
}

table_batch() {
	head_line "batches ($rows rows, everything included)"
	line "CSV" "$(rate batch_csv "$rows") $(mb batch_csv users.csv)" "" "1,000,000/s"
	line "bare libcsv loop, fields counted" "$(mb loop_csv users.csv)" "" ""
	line "  cio-import : bare loop" "" "$(faster batch_csv loop_csv)" "1.0 (1.5)"
	line "  the same, in CPU time" "" "$(cheaper batch_csv loop_csv)" ""
	line "NDJSON" "$(rate batch_ndjson "$rows") $(mb batch_ndjson users.ndjson)" "" "1,000,000/s"
	line "bare json_loadb loop" "$(mb loop_json users.ndjson)" "" ""
	line "  cio-import : bare loop" "" "$(faster batch_ndjson loop_json)" "3 (10)"
	line "  the same, in CPU time" "" "$(cheaper batch_ndjson loop_json)" ""
	line "  the same as one JSON array : NDJSON" "" "$(faster batch_json batch_ndjson)" "0.5"
	line "  with the state file : without (CSV)" "" "$(faster batch_state batch_csv)" "0.90"
	line "  the same, in CPU time" "" "$(cheaper batch_state batch_csv)" ""
	if [ -s "$dir/runs/sdk" ]; then
		line "the official Node SDK's batch(), csv-parse" "$(rate sdk "$few")" "" ""
		line "  cio-import : SDK, in records a second" "" "$(faster batch_csv sdk "$rows" "$few")" "10"
	fi
}

table_dry() {
	head_line "dry run (to /dev/null)"
	line "CSV" "$(mb dry_csv users.csv)" "" ""
	line "NDJSON" "$(mb dry_ndjson users.ndjson)" "" ""
	line "  wc -l of the same" "$(mb wc_csv users.csv), $(mb wc_ndjson users.ndjson)" "" ""
	line "  CSV : bare libcsv loop" "" "$(faster dry_csv loop_csv)" ""
	line "  NDJSON : bare json_loadb loop" "" "$(faster dry_ndjson loop_json)" ""
	line "  the same as one JSON array : NDJSON" "" "$(faster dry_json dry_ndjson)" "0.5"
	if [ -s "$dir/runs/jq" ]; then
		line "  --batch, NDJSON : jq -c ., in rows" "" "$(faster dry_batch_ndjson jq "$rows" "$few")" "30"
	fi
	if [ -s "$dir/runs/mlr_csv" ]; then
		line "  --batch, CSV : Miller csv to jsonl, in rows" "" "$(faster dry_batch_csv mlr_csv "$rows" "$few")" "10"
		line "  --batch, NDJSON : Miller jsonl, in rows" "" "$(faster dry_batch_ndjson mlr_ndjson "$rows" "$few")" "10"
	fi
}

table_memory() {
	head_line "peak memory"
	line "single requests" "$(calc "%.1f MiB" "$(median single 3) / 1024")" "" "16 MiB"
	if [ -s "$dir/runs/memory" ]; then
		line "  $memory rows" "$(calc "%.1f MiB" "$(median memory 3) / 1024")" "" "16 MiB"
	fi
	line "batches, CSV" "$(calc "%.1f MiB" "$(median batch_csv 3) / 1024")" "" "32 MiB"
	line "batches, NDJSON" "$(calc "%.1f MiB" "$(median batch_ndjson 3) / 1024")" "" "32 MiB"
}

machine() {
	echo "machine: $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1), $(nproc) cores, $(uname -sr), load $(cut -d' ' -f1 /proc/loadavg)"
	echo "medians of $rounds rounds; $(date -u +%F)"
	if [ -n "$left_out" ]; then echo "left out, for it is not here:$(tr ' ' '\n' <<<"$left_out" | sort -u | tr '\n' ' ')"; fi
}

begin
for round in $(seq "$rounds"); do
	start_round "$round"
	round_single
	round_batch
	round_dry
	round_others
done
if [ "$memory" != 0 ]; then
	generate csv "$memory" memory.csv
	import memory --no-state memory.csv
fi
table_single
table_batch
table_dry
table_memory
machine
printf '%s' "|figure|ratio|goal"$'\n'"$lines" | awk -F'|' '{ printf "%-52s %28s %9s   %s\n", $1, $2, $3, $4 }' | sed 's/ *$//'
