#!/bin/sh
# OUTPUT OBJECT...: the whole program as one object, with its calls of the operating system led to the simulated one's
# (doors.syms). Its static variables are in sections of their own, for each process has its own.
set -e
out=$1
shift
ld -r -o "$out.all" "$@"
objcopy --redefine-syms=tests/sim/doors.syms --keep-global-symbol=sim_main --rename-section .data=program_data \
	--rename-section .bss=program_bss,alloc,load,data,contents "$out.all" "$out"
rm "$out.all"
