# cio-import. `make` builds, `make demo` shows it at work, `make test` proves it; `make help` lists the rest.

# PORTABLE=1: POSIX alone, without what only Linux and GNU have (base/os), in a directory of its own.
BUILD   ?= $(if $(PORTABLE),build/portable,build)
PREFIX  ?= /usr/local
DESTDIR ?=
BINDIR   = $(PREFIX)/bin
MANDIR   = $(PREFIX)/share/man/man1
DATADIR  = $(PREFIX)/share
ZSHDIR   = $(DATADIR)/zsh/site-functions
CC      ?= cc
VERSION := $(shell sed -n 's/^.define VERSION "\([^"]*\)".*/\1/p' src/base/version.h)

# Debian's names of what is needed to build, to test, and to run the demo.
BUILD_DEPS := gcc libc6-dev make pkg-config libcurl4-openssl-dev libjansson-dev libcsv-dev libsqlite3-dev libxxhash-dev zlib1g-dev
TEST_DEPS  := check libmicrohttpd-dev mandoc jq curl openssl
# And of what `make lint` can use, what `make check-all` can use besides, and what `make deb` needs.
LINT_DEPS  := clang-format clang-tidy cppcheck shellcheck
CHECK_DEPS := clang libclang-rt-14-dev valgrind lintian debootstrap
DEB_DEPS   := debhelper dpkg-dev

# iconv is in the C library, but for macOS.
ICONV     := $(if $(filter Darwin,$(shell uname -s)),-liconv)
LIBS      := libcurl jansson sqlite3 zlib
PKG_FLAGS := $(shell pkg-config --cflags $(LIBS) 2>/dev/null)
PKG_LIBS  := $(shell pkg-config --libs $(LIBS) 2>/dev/null) -lcsv -lm $(ICONV)
TEST_LIBS := $(shell pkg-config --libs check libmicrohttpd 2>/dev/null)
SANDBOX_LIBS := $(shell pkg-config --libs libmicrohttpd 2>/dev/null)

# -O3: a dry run in batches takes 5 % (CSV) and 4 % (NDJSON) fewer instructions than with -O2. What is instrumented is
# built in half the time with -O1.
STANDARD := $(if $(PORTABLE),-D_POSIX_C_SOURCE=200809L -D_XOPEN_SOURCE=700,$(if $(filter Linux,$(shell uname -s)),-D_GNU_SOURCE))
CFLAGS ?= $(if $(SANITIZE),-O1,-O3) -g
WARN   := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wformat=2
# SANITIZE=1: address and undefined behaviour; SANITIZE=thread: data races.
ifeq ($(SANITIZE),thread)
SANITIZER := -fsanitize=thread -fno-omit-frame-pointer -DCIO_SANITIZED
else ifdef SANITIZE
SANITIZER := -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer -DCIO_SANITIZED
endif
ALL_CFLAGS = -std=c11 -pthread $(STANDARD) $(WARN) -Isrc $(CPPFLAGS) $(CFLAGS) $(PKG_FLAGS) $(SANITIZER) -MMD -MP

SRC      := $(wildcard src/*.c src/*/*.c)
HEADERS  := $(wildcard src/*/*.h tests/*.h)
OBJ      := $(SRC:src/%.c=$(BUILD)/src/%.o)
ROOM_OBJ := $(filter-out $(BUILD)/src/main.o,$(OBJ))
# Those that take longest come first.
ALL_SUITES   := $(patsubst tests/check_%.c,%,$(wildcard tests/check_*.c))
FIRST_SUITES := crash csv_reader distance once failures flight changing cli_sync resume cli pace events batches answering cron queue
SUITES := $(filter $(ALL_SUITES),$(FIRST_SUITES)) $(filter-out $(FIRST_SUITES),$(ALL_SUITES))
# Everything in tests/ that is neither a program of its own nor a library to preload.
TEST_PROGRAMS := main sandbox_main
TEST_PRELOAD  := fault oom
TEST_ROOMS := $(filter-out $(TEST_PROGRAMS) $(TEST_PRELOAD) check_%,$(patsubst tests/%.c,%,$(wildcard tests/*.c)))
TEST_OBJ   := $(TEST_ROOMS:%=$(BUILD)/tests/%.o)
SANDBOX_OBJ := $(filter $(BUILD)/tests/sandbox% $(BUILD)/tests/workspace% $(BUILD)/tests/unix.o,$(TEST_OBJ))

.PHONY: all help deps lint-deps check-deps deb-deps demo test check-all check-deb valgrind bench bench-field fuzz fuzz-replay lint format coverage
.PHONY: install uninstall deb dist clean

all: $(BUILD)/cio-import $(BUILD)/cio-import-sandbox

help:
	@printf '%s\n' \
	'make             builds $(BUILD)/cio-import and $(BUILD)/cio-import-sandbox' \
	'make deps        installs what building and testing need (Debian and its kin); make lint-deps, check-deps and' \
	'                 deb-deps: what make lint, make check-all and make deb need besides' \
	'make demo        installs what is missing, builds, and imports fixtures/users.csv to the sandbox' \
	'make test        the tests: minutes' \
	'make simulate    whole runs in a simulated world, kills and nights: SEEDS=1000 of them, or MINUTES=5; SEED=17 tells' \
	'                 one of them, TRACE=2 with every call' \
	'make simulate-proof   plants faults in a copy of the program, and counts the lives until each is found' \
	'make PORTABLE=1 test   the same, built with what POSIX has alone, in build/portable' \
	'make check-all   the long checks: sanitizers, valgrind, both compilers, many crash rounds, fuzzing' \
	'make bench       how fast, as ratios measured side by side; make bench-field: against limits, far away, over slow links' \
	'make fuzz        fuzzes the readers and the replies (FUZZ_SECONDS=60 each; needs clang)' \
	'make lint        gcc -fanalyzer, cppcheck, clang-tidy, mandoc, shellcheck: those that are there' \
	'make format      lays the code out as .clang-format has it' \
	'make coverage    line coverage of the tests (needs gcov)' \
	'make install     to PREFIX ($(PREFIX)) under DESTDIR; make uninstall takes it away' \
	'make deb         a Debian package in $(BUILD)/deb; make check-deb builds it, tries it and removes it in a clean root' \
	'make dist        a tarball of what is committed in $(BUILD)/dist: the same bytes each time' \
	'make clean'

# Programs.

$(BUILD)/cio-import: $(OBJ)
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $(OBJ) $(PKG_LIBS)

$(BUILD)/cio-import-sandbox: $(BUILD)/tests/sandbox_main.o $(SANDBOX_OBJ) $(ROOM_OBJ)
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $^ $(SANDBOX_LIBS) $(PKG_LIBS)

$(BUILD)/unit: $(BUILD)/tests/main.o $(SUITES:%=$(BUILD)/tests/check_%.o) $(TEST_OBJ) $(ROOM_OBJ)
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $^ $(TEST_LIBS) $(PKG_LIBS)

$(BUILD)/%.so: tests/%.c
	@mkdir -p $(@D)
	$(CC) -std=c11 -D_GNU_SOURCE $(WARN) -O2 -g -fPIC -shared -o $@ $< -ldl

$(BUILD)/src/%.o: src/%.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -c -o $@ $<

$(BUILD)/tests/%.o: tests/%.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -I$(BUILD)/tests -c -o $@ $<

# The suites, from the files there are; written anew only where they have changed.
$(BUILD)/tests/suites.inc: always
	@mkdir -p $(@D)
	@for s in $(SUITES); do echo "SUITE($$s)"; done >$@.new
	@if cmp -s $@.new $@; then rm $@.new; else mv $@.new $@; fi
.PHONY: always
always:
$(BUILD)/tests/main.o: $(BUILD)/tests/suites.inc

-include $(wildcard $(BUILD)/src/*.d $(BUILD)/src/*/*.d $(BUILD)/tests/*.d)

# Getting started.

SUDO := $(shell [ "$$(id -u)" = 0 ] || command -v sudo)

deps: packages = $(BUILD_DEPS) $(TEST_DEPS)
lint-deps: packages = $(LINT_DEPS)
check-deps: packages = $(LINT_DEPS) $(CHECK_DEPS) $(DEB_DEPS)
deb-deps: packages = $(DEB_DEPS)
deps lint-deps check-deps deb-deps:
	@command -v apt-get >/dev/null || { echo 'Here is no apt-get: install what README, "What it needs", names' >&2; exit 1; }
	$(SUDO) apt-get update
	$(SUDO) apt-get install -y --no-install-recommends $(packages)

# Installs only where something is missing, so that it works without root on a machine that has all.
.PHONY: need
need:
	@pkg-config --exists $(LIBS) check libmicrohttpd 2>/dev/null && \
	for c in $(firstword $(CC)) curl jq mandoc openssl; do command -v $$c >/dev/null || exit 1; done && \
	printf '#include <csv.h>\n#include <xxhash.h>\n' | $(CC) $(CPPFLAGS) -E -x c - >/dev/null 2>&1 || $(MAKE) deps

demo: need
	@$(MAKE) --no-print-directory all
	@BUILD=$(BUILD) tests/demo.sh

# Tests.

test: need
	@$(MAKE) --no-print-directory test-now

.PHONY: test-now test-programs test-suites
test-programs: all $(BUILD)/unit $(TEST_PRELOAD:%=$(BUILD)/%.so)

# How long a test may take is there to end one that hangs: with instruments each takes several times as long.
RUN_SUITES = BUILD=$(BUILD) $(if $(SANITIZE),CK_TIMEOUT_MULTIPLIER=5) $(BUILD)/unit

# The simulated machine is a Linux one: its doors are the calls of base/os's first half.
test-now: test-programs fuzz-replay $(if $(PORTABLE),,simulate-some)
	+@BUILD=$(BUILD) MAKE='$(MAKE)' tests/install.sh
	$(RUN_SUITES)

clean:
	rm -rf build

# Longer checks.

FUZZERS      := $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZ_SECONDS ?= 60
FUZZ_CC      ?= clang

$(BUILD)/replay/%: tests/fuzz/fuzz_%.c tests/fuzz/replay.c $(TEST_OBJ) $(ROOM_OBJ) $(HEADERS)
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -MF $@.d -Itests $(LDFLAGS) -o $@ $(filter %.c %.o,$^) $(TEST_LIBS) $(PKG_LIBS)

fuzz-replay: $(FUZZERS:%=$(BUILD)/replay/%)
	@for f in $(FUZZERS); do printf '%s: ' $$f; $(BUILD)/replay/$$f tests/fuzz/corpus/$$f/* || exit 1; done

$(BUILD)/fuzz/%: tests/fuzz/fuzz_%.c $(SRC) $(HEADERS)
	@mkdir -p $(@D)
	$(FUZZ_CC) -std=c11 -D_GNU_SOURCE -DCIO_SANITIZED -O1 -g -Isrc -Itests $(PKG_FLAGS) -fsanitize=fuzzer,address,undefined \
		-fno-sanitize-recover=undefined -o $@ $< $(filter-out src/main.c,$(SRC)) $(PKG_LIBS)

fuzz: $(FUZZERS:%=$(BUILD)/fuzz/%)
	@for f in $(FUZZERS); do mkdir -p $(BUILD)/fuzz/found/$$f; \
	$(BUILD)/fuzz/$$f -max_total_time=$(FUZZ_SECONDS) -max_len=4096 -artifact_prefix=$(BUILD)/fuzz/ \
		$(BUILD)/fuzz/found/$$f tests/fuzz/corpus/$$f || exit 1; done

FORMATTED := $(shell git ls-files '*.c' '*.h' 2>/dev/null)
format:
	clang-format -i $(FORMATTED)

lint:
	CC='$(CC)' PKG_FLAGS='$(PKG_FLAGS)' tests/lint.sh

test-suites: test-programs fuzz-replay
	$(RUN_SUITES)

# A leak is what nothing points to any more: a test may end with a server's thread running.
VALGRIND := valgrind -q --error-exitcode=99 --leak-check=full --show-leak-kinds=definite --errors-for-leak-kinds=definite \
	--suppressions=$(CURDIR)/tests/valgrind.supp
valgrind: test-programs
	BUILD=$(BUILD) CIO_SUITES_AT_ONCE="$$(nproc)" CK_TIMEOUT_MULTIPLIER=30 CIO_UNDER='$(VALGRIND)' $(VALGRIND) $(BUILD)/unit

check-all:
	@BUILD=$(BUILD) FUZZ_SECONDS=$(FUZZ_SECONDS) MAKE='$(MAKE)' tests/check_all.sh

check-deb:
	+@BUILD=$(BUILD) MAKE='$(MAKE)' tests/package.sh

BENCH_PROGRAMS := $(patsubst tests/bench/%.c,%,$(wildcard tests/bench/*.c))

$(BUILD)/bench/%: STANDARD := -D_GNU_SOURCE
$(BUILD)/bench/%: tests/bench/%.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -MF $@.d $(LDFLAGS) -o $@ $< $(PKG_LIBS)

$(BUILD)/bench/limits: tests/bench/limits.c $(filter $(BUILD)/tests/limit_%,$(TEST_OBJ)) $(ROOM_OBJ)
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -MF $@.d -Itests $(LDFLAGS) -o $@ $(filter %.c %.o,$^) $(PKG_LIBS)

bench: all $(BENCH_PROGRAMS:%=$(BUILD)/bench/%)
	BUILD=$(BUILD) tests/bench.sh

bench-field: all $(BENCH_PROGRAMS:%=$(BUILD)/bench/%)
	BUILD=$(BUILD) tests/bench-field.sh

coverage:
	$(MAKE) BUILD=$(BUILD)/coverage CFLAGS='-O0 -g --coverage' test-now
	@for f in $(SRC); do gcov -n -o $(BUILD)/coverage/$${f%.c}.o $$f; done 2>/dev/null | \
		awk '/^File .src/ { f = $$2 } /^Lines/ && f { print f, $$2; f = "" }'

# Installing, and packages.

install: all
	install -d $(DESTDIR)$(BINDIR) $(DESTDIR)$(MANDIR) $(DESTDIR)$(DATADIR)/bash-completion/completions \
		$(DESTDIR)$(ZSHDIR) $(DESTDIR)$(DATADIR)/fish/vendor_completions.d
	install -m 755 $(BUILD)/cio-import $(BUILD)/cio-import-sandbox $(DESTDIR)$(BINDIR)
	install -m 644 man/cio-import.1 man/cio-import-sandbox.1 $(DESTDIR)$(MANDIR)
	$(BUILD)/cio-import --completion=bash >$(DESTDIR)$(DATADIR)/bash-completion/completions/cio-import
	$(BUILD)/cio-import --completion=zsh >$(DESTDIR)$(ZSHDIR)/_cio-import
	$(BUILD)/cio-import --completion=fish >$(DESTDIR)$(DATADIR)/fish/vendor_completions.d/cio-import.fish

uninstall:
	rm -f $(DESTDIR)$(BINDIR)/cio-import $(DESTDIR)$(BINDIR)/cio-import-sandbox \
		$(DESTDIR)$(MANDIR)/cio-import.1 $(DESTDIR)$(MANDIR)/cio-import-sandbox.1 \
		$(DESTDIR)$(DATADIR)/bash-completion/completions/cio-import $(DESTDIR)$(ZSHDIR)/_cio-import \
		$(DESTDIR)$(DATADIR)/fish/vendor_completions.d/cio-import.fish

# .debian/ becomes debian/ in a copy, which is built in an environment of its own: what this make was given is not for it.
# The package's date is the last commit's, or the version's.
DEB_TREE = $(BUILD)/deb/cio-import-$(VERSION)
deb: need
	@command -v dh >/dev/null && command -v dpkg-buildpackage >/dev/null || $(MAKE) deb-deps
	rm -rf $(BUILD)/deb
	mkdir -p $(DEB_TREE)
	cp -R Makefile README.md LICENSE src man tests $(DEB_TREE)
	cp -R .debian $(DEB_TREE)/debian
	@when=$$([ -e .git ] && git log -1 --format=%ct 2>/dev/null || stat -c %Y src/base/version.h) && cd $(DEB_TREE) && \
	printf 'cio-import (%s) unstable; urgency=medium\n\n  * Release %s.\n\n -- %s  %s\n' $(VERSION) $(VERSION) \
		"$$(sed -n 's/^Maintainer: //p' debian/control)" "$$(LC_ALL=C date -uRd @$$when)" >debian/changelog && \
	env -i PATH="$$PATH" HOME="$$HOME" LC_ALL=C.UTF-8 DEB_BUILD_OPTIONS=noautodbgsym dpkg-buildpackage -b -us -uc
	@ls $(BUILD)/deb/*.deb

DIST = $(BUILD)/dist/cio-import-$(VERSION).tar
dist:
	@[ -e .git ] || { echo 'dist: it packs what is committed: run it in a git checkout' >&2; exit 1; }
	@git diff --quiet HEAD || echo 'dist: what is not committed is not in it' >&2
	@mkdir -p $(BUILD)/dist
	git -c tar.umask=0022 archive --format=tar --prefix=cio-import-$(VERSION)/ -o $(DIST) HEAD
	gzip -9 -n -f $(DIST)
	@ls $(DIST).gz

# The simulation: the whole program, with its calls of the operating system, and of the sender, led to a simulated world
# (tests/sim/doors.syms). Its static variables are in sections of their own, for each process has its own.

SIM_SRC := $(wildcard tests/sim/*.c)
SIM_OBJ := $(SIM_SRC:tests/%.c=$(BUILD)/tests/%.o)
SIM_DOORS := tests/sim/doors.syms

$(BUILD)/sim/program.o: $(filter-out $(BUILD)/src/send/sender.o,$(OBJ)) $(SIM_DOORS) tests/sim/program.sh
	@mkdir -p $(@D)
	tests/sim/program.sh $@ $(filter %.o,$^)

$(BUILD)/tests/sim/%.o: tests/sim/%.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -Itests -Itests/sim -c -o $@ $<

# What the simulated world itself uses of the rooms: it takes what it needs.
$(BUILD)/sim/rooms.a: $(filter-out $(BUILD)/src/send/sender.o,$(ROOM_OBJ))
	@mkdir -p $(@D)
	@rm -f $@
	ar rc $@ $^

$(BUILD)/simulate: $(SIM_OBJ) $(BUILD)/sim/program.o $(filter $(BUILD)/tests/workspace%,$(TEST_OBJ)) $(BUILD)/sim/rooms.a
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $^ $(PKG_LIBS)

# What is given on make's command line is handed on: make simulate SEEDS=1000, SEED=17 TRACE=2, MINUTES=5, LIFE='SEED=17 kill1=3'.
SIM_GIVEN = $(foreach v,SEEDS START MINUTES JOBS SEED TRACE,$(if $($(v)),$(v)=$($(v)))) $(if $(LIFE),LIFE $(LIFE))
SIM_LIVES := $(if $(SANITIZE),300,8000)

.PHONY: simulate simulate-some simulate-proof
simulate: $(BUILD)/simulate
	@$(BUILD)/simulate $(SIM_GIVEN)

# Those that found something once, and as many others as take some seconds.
simulate-some: $(BUILD)/simulate
	$(BUILD)/simulate LIVES=tests/sim/lives
	$(BUILD)/simulate SEEDS=$(SIM_LIVES)

# Whether it finds what is wrong: faults are planted (tests/sim/faults), and lives counted until one fails.
simulate-proof: $(BUILD)/simulate
	@BUILD='$(BUILD)' COMPILE='$(CC) $(ALL_CFLAGS)' LIBRARIES='$(LDFLAGS) $(PKG_LIBS)' \
		OBJECTS='$(filter-out $(BUILD)/src/send/sender.o,$(OBJ))' \
		REST='$(SIM_OBJ) $(filter $(BUILD)/tests/workspace%,$(TEST_OBJ)) $(BUILD)/sim/rooms.a' tests/simulate_proof.sh

-include $(wildcard $(BUILD)/tests/sim/*.d)
