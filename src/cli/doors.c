#include "cli/doors.h"

#include <unistd.h>

#include "base/alloc.h"
#include "os/clock.h"
#include "os/random.h"

#include "base/banned.h"

bool doors_open(struct owner *owner,
                void (*saw)(void *who, uint32_t uid, const char *account, uint64_t id, const struct err *why), void *who,
                struct doors *ret_doors, struct err *err)
{
    const struct place *place = cli_place(owner->cli, NULL);
    struct loop *loop = cli_network(owner->cli, NULL)->loop;
    char *submit = place_socket(place, "submit"), *control = place_socket(place, "control");
    const struct local_door_plan local = {
        .loop = loop,
        .port = owner->port,
        .config = cli_config(owner->cli, NULL),
        .disk = &disk_system,
        .dice = &dice_system,
        .clock = &clock_system,
        .directory = place->state,
        .hostname = cli_hostname(owner->cli),
        .path = submit,
        .mode = 0600,
        .saw = saw,
        .who = who,
    };
    const struct control_socket_plan asked = {
        .control = &owner->control, .loop = loop, .path = control, .mode = 0600, .owner = geteuid(),
    };
    bool good = submit && control ? local_door_open(&local, &ret_doors->submit, err) &&
                                        control_socket_open(&asked, &ret_doors->control, err)
                                  : err_no_memory(err);

    mem_free(submit);
    mem_free(control);
    return good;
}

bool doors_are_busy(const struct doors *doors)
{
    return local_door_is_busy(doors->submit) || control_socket_is_busy(doors->control);
}

void doors_close(struct doors *doors)
{
    local_door_free(GIVE(doors->submit));
    control_socket_free(GIVE(doors->control));
}
