# outpost: see README.md. Meson and Ninja do the work; this says it shorter.
#
#   make            builds build/outpost (install what it needs with: make packages)
#   make demo       on a fresh Debian machine: installs, builds, sends a mail through the sandbox
#   make test       on a fresh Debian machine: installs, builds, runs every test
#   make check      the tests that need no peers, nothing installed
#   make install    respects DESTDIR and prefix
#   ... SANITIZE=1  the same in a build with AddressSanitizer and UBSan
BUILD    = $(CURDIR)/build$(if $(SANITIZE),-sanitize)
prefix   = /usr/local
comma   := ,
OPTIONS  = -Dprefix=$(prefix) $(if $(SANITIZE),-Db_sanitize=address$(comma)undefined -Dbuildtype=debug)

all: $(BUILD)/build.ninja
	ninja -C $(BUILD)

# A new room brings a meson.build of its own, which Meson only sees when it is configured again.
$(BUILD)/build.ninja: $(wildcard src/*/meson.build tests/unit/*/meson.build)
	meson setup $(if $(wildcard $(BUILD)/build.ninja),--reconfigure) $(BUILD) $(OPTIONS)
	touch $@

packages:
	tools/install-packages build

check: all
	meson test -C $(BUILD) --print-errorlogs

# Each step in a make of its own: Meson is there only after the first.
demo:
	@tools/install-packages build
	@$(MAKE) --no-print-directory all
	@tools/demo $(BUILD)

test:
	@tools/install-packages build test
	@$(MAKE) --no-print-directory all
	@tests/run $(BUILD) $(PYTEST)

install: all
	meson configure $(BUILD) -Dprefix=$(prefix)
	DESTDIR=$(DESTDIR) meson install -C $(BUILD)

clean:
	rm -rf build build-sanitize build-fuzz

.PHONY: all packages check demo test install clean
