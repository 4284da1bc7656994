# outpost: see README.md. The work is done by Meson and Ninja; this only says it shorter.
BUILD    = build$(if $(SANITIZE),-sanitize)
OPTIONS  = $(if $(SANITIZE),-Db_sanitize=address$(comma)undefined -Dbuildtype=debug)
comma   := ,

all: $(BUILD)/build.ninja
	ninja -C $(BUILD)

# A new room brings a meson.build of its own, which Meson only sees when it is configured again.
$(BUILD)/build.ninja: $(wildcard src/*/meson.build tests/unit/*/meson.build)
	meson setup $(if $(wildcard $(BUILD)/build.ninja),--reconfigure) $(BUILD) $(OPTIONS)
	touch $@

check: all
	meson test -C $(BUILD) --print-errorlogs

clean:
	rm -rf build build-sanitize build-fuzz

.PHONY: all check clean
