#!/usr/bin/env bash
# Whether the simulation finds what is wrong: each fault of tests/sim/faults is planted in a copy of one source file, and
# lives are lived until one fails. Prints how many that took. ONLY=WORDS: the faults whose names have those words.
# The Makefile gives COMPILE, the compiler with its flags; OBJECTS, the program's; REST, what else is linked; LIBRARIES.
set -u
cd "$(dirname "$0")/.." || exit 1
build=${BUILD:-build} lives=${SEEDS:-30000}
found=0 missed=0
read -ra compile <<<"${COMPILE:?}"
read -ra objects <<<"${OBJECTS:?}"
read -ra rest <<<"${REST:?}"
read -ra libraries <<<"${LIBRARIES:?}"

# FILE FROM TO: a copy with the one line that is FROM made TO. Fails where it is not there once.
plant() {
	mkdir -p "$(dirname "$proof/$1")"
	from=$2 to=$3 awk '{
		text = $0
		sub(/^[ \t]+/, "", text)
		if (text == ENVIRON["from"]) { $0 = ENVIRON["to"]; planted++ }
		print
	} END { exit planted != 1 }' "$1" >"$proof/$1"
}

# FILE: a simulation of the program with that copy in its place.
build_with() {
	local object=$build/${1%.c}.o
	"${compile[@]}" -w -c -o "$proof/planted.o" "$proof/$1" &&
		tests/sim/program.sh "$proof/program.o" "${objects[@]/#$object/$proof/planted.o}" &&
		"${compile[@]}" -o "$proof/simulate" "${rest[@]}" "$proof/program.o" "${libraries[@]}"
}

# NAME FILE FROM TO: how soon it is found.
try() {
	proof=$build/proof
	rm -rf "$proof"
	if ! plant "$2" "$3" "$4"; then
		echo 'NOT PLANTED: the line is not there once'
	elif ! build_with "$2" >"$build/proof.log" 2>&1; then
		echo "NOT BUILT: see $build/proof.log"
	else
		"$proof/simulate" PROOF=1 SEEDS="$lives"
	fi
}

while IFS= read -r name; do
	if [[ -z $name || $name == \#* ]]; then
		continue
	fi
	IFS= read -r file
	IFS= read -r from
	IFS= read -r to
	[[ $name == *"${ONLY:-}"* ]] || continue
	said=$(try "$name" "$file" "$from" "$to" </dev/null)
	if [[ $said == found* ]]; then
		found=$((found + 1))
	else
		missed=$((missed + 1))
	fi
	printf '%-56s %s\n' "$name" "$said"
done <tests/sim/faults
echo "simulate-proof: $found planted faults found, $missed not"
[ "$missed" = 0 ] && [ "$found" -gt 0 ]
