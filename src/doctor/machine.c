#include "doctor/machine.h"

#include <stdio.h>

#include "base/alloc.h"
#include "base/str.h"
#include "os/file.h"

#include "base/banned.h"

enum { OTHERS_READ = 0004, NOT_OURS = 0077 };

/* ---- looking ---- */

static void look_at_config(const char *path, struct machine_sight *sight)
{
    HELD(buf) safe = BUF(1000);
    mode_t mode;

    if (sight->open_config[0] || !file_mode(path, &mode) || !(mode & OTHERS_READ))
        return;
    str_printable(&safe, span_of(path), sizeof sight->open_config - 1);
    snprintf(sight->open_config, sizeof sight->open_config, "%s", buf_text(&safe));
}

static void look_at_drop_in(const char *directory, struct machine_sight *sight)
{
    struct file_names names = { 0 };

    if (!file_list(directory, ".conf", &names, NULL))
        return;
    for (size_t i = 0; i < names.count; i++) {
        char *path = file_path(directory, names.at[i]);
        if (path)
            look_at_config(path, sight);
        mem_free(path);
    }
    file_names_done(&names);
}

void machine_look(const struct machine_place *place, struct machine_sight *ret_sight)
{
    mode_t mode;

    *ret_sight = (struct machine_sight){ .reserve_percent = place->reserve_percent };
    if (place->config)
        look_at_config(place->config, ret_sight);
    if (place->drop_in)
        look_at_drop_in(place->drop_in, ret_sight);
    if (!place->state || !file_mode(place->state, &mode))
        return;
    ret_sight->open_state = mode & NOT_OURS;
    ret_sight->has_space = space_of(place->state, &ret_sight->space, NULL);
}

/* ---- what it means ---- */

static unsigned long long free_percent(const struct space *space)
{
    unsigned long long bytes = space->bytes ? space->bytes_free * 100 / space->bytes : 100;
    unsigned long long files = space->files ? space->files_free * 100 / space->files : 100;

    return bytes < files ? bytes : files;
}

bool machine_is_full(const struct machine_sight *sight, struct evidence *ret_evidence)
{
    if (!sight->has_space || !space_is_short(&sight->space, sight->reserve_percent))
        return false;
    *ret_evidence = (struct evidence){ .stage = STAGE_LOCAL };
    err_found(&ret_evidence->err, ERR_LATER, "disk:reserve",
              "%llu %% of the disk with the queue is free, and below %u %% no mail is taken", free_percent(&sight->space),
              sight->reserve_percent);
    return true;
}

void machine_notes(const struct machine_sight *sight, struct doctor_notes *notes)
{
    if (sight->open_config[0])
        notes_add(notes, "config-readable",
                  "Everybody on this machine can read the configuration, addresses and hashes of passwords: chmod o-r %s",
                  sight->open_config);
    if (sight->open_state)
        notes_add(notes, "state-readable",
                  "Others on this machine can look into the state directory, where mail and sealed secrets lie: it should be "
                  "of mode 0700.");
}

static void add_percent(struct ladder *ladder, const char *key, unsigned long long percent)
{
    HELD(buf) text = BUF(24);

    buf_addf(&text, "%llu%%", percent);
    ladder_detail(ladder, key, buf_span(&text));
}

void machine_climb(const struct machine_sight *sight, const struct evidence *full, struct ladder *ladder, uint64_t now)
{
    if (!sight->has_space)
        return;
    ladder_enter(ladder, RUNG_MACHINE);
    add_percent(ladder, "disk_free", free_percent(&sight->space));
    add_percent(ladder, "reserve", sight->reserve_percent);
    if (full) {
        ladder->open.fact = full->err.fact;
        ladder_detail(ladder, "error", span_of(full->err.text));
    }
    ladder_leave(ladder, full ? STEP_FAILED : STEP_OK, now);
}
