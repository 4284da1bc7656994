# outpost: see README.md. The work is done by Meson and Ninja; this only says it shorter.
BUILD    = build$(if $(SANITIZE),-sanitize)
OPTIONS  = $(if $(SANITIZE),-Db_sanitize=address$(comma)undefined -Dbuildtype=debug)
comma   := ,

all: $(BUILD)/build.ninja
	ninja -C $(BUILD)

$(BUILD)/build.ninja:
	meson setup $(BUILD) $(OPTIONS)

check: all
	meson test -C $(BUILD) --print-errorlogs

clean:
	rm -rf build build-sanitize build-fuzz

.PHONY: all check clean
