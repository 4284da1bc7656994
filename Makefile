# outpost: see README.md. Meson and Ninja do the work; this says it shorter.
#
#   make            builds build/outpost (install what it needs with: make packages)
#   make demo       on a fresh Debian machine: installs, builds, sends a mail through the sandbox
#   make test       on a fresh Debian machine: installs, builds, runs every test
#   make check      the tests that need no peers, nothing installed
#   make bench      what sending costs, beside msmtp and curl (installs those); what serving does, beside Postfix and Exim
#   make fuzz       every fuzz target for FUZZ_SECONDS (60), or those in TARGETS, in a build by clang (installs it)
#   make docs       docs/causes.md, which is made of data/
#   make install    respects DESTDIR and prefix
#   ... SANITIZE=1  the same in a build with AddressSanitizer and UBSan
#   make check VALGRIND=1  the unit tests under valgrind, which must be there
BUILD    = $(CURDIR)/build$(if $(SANITIZE),-sanitize)
prefix   = /usr/local
comma   := ,
OPTIONS  = -Dprefix=$(prefix) $(if $(SANITIZE),-Db_sanitize=address$(comma)undefined -Dbuildtype=debug)

all: $(BUILD)/build.ninja
	ninja -C $(BUILD)

# A new room brings a meson.build of its own, which Meson only sees when it is configured again.
$(BUILD)/build.ninja: $(wildcard src/*/meson.build tests/unit/*/meson.build)
	meson setup $(if $(wildcard $(BUILD)/build.ninja),--reconfigure,-Dtests=false) $(BUILD) $(OPTIONS)
	touch $@

packages:
	tools/install-packages build

# The tests need a library more than the program does.
with-tests: $(BUILD)/build.ninja
	@meson configure $(BUILD) -Dtests=true
	ninja -C $(BUILD)

check: with-tests
	meson test -C $(BUILD) --print-errorlogs $(if $(VALGRIND),--setup valgrind --suite unit)

# Each step in a make of its own: Meson is there only after the first.
demo:
	@tools/install-packages build demo
	@$(MAKE) --no-print-directory all
	@tools/demo $(BUILD)

test:
	@tools/install-packages build test
	@$(MAKE) --no-print-directory with-tests
	@tests/run $(BUILD) $(PYTEST)

bench:
	@tools/install-packages build bench
	@$(MAKE) --no-print-directory all
	@bench/roundtrips $(BUILD)
	@bench/oneshot $(BUILD)
	@bench/queue $(BUILD)
	@bench/gateway $(BUILD)
	@bench/endtoend $(BUILD)
	@bench/idle $(BUILD)
	@bench/hostile $(BUILD)
	@bench/startup $(BUILD)
	@bench/token $(BUILD)
	@bench/sendmail $(BUILD)

fuzz:
	@tools/install-packages build fuzz
	@test -e build-fuzz/build.ninja || CC=clang meson setup -Dfuzzing=true -Dtests=false -Db_lundef=false \
	    -Db_sanitize=address,undefined -Dbuildtype=debugoptimized build-fuzz
	@ninja -C build-fuzz
	@tools/fuzz build-fuzz $(or $(FUZZ_SECONDS),60) $(TARGETS)

docs: with-tests
	export LC_ALL=C; $(BUILD)/tests/causes-page data/causes.ini data/providers/*.ini > docs/causes.md.new
	mv docs/causes.md.new docs/causes.md

install: $(BUILD)/build.ninja
	meson configure $(BUILD) -Dprefix=$(prefix)
	ninja -C $(BUILD)
	DESTDIR=$(DESTDIR) meson install -C $(BUILD)

clean:
	rm -rf build build-sanitize build-fuzz

.PHONY: all with-tests packages check demo test bench fuzz docs install clean
