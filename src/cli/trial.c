#include "cli/trial.h"

#include "cli/world.h"
#include "os/clock.h"
#include "os/random.h"

#include "base/banned.h"

enum { TEXT_MAX = 8 * 1024 };

bool trial_prepare(struct cli *cli, const struct account *account, const struct trial_text *text,
                   struct prepared **ret_prepared, struct err *err)
{
    const char *recipients[] = { text->to ? text->to : account->address };
    uint64_t wall = clock_wall(&clock_system);
    struct secret_world world;
    struct intake_order order = {
        .account = account,
        .disk = &disk_system,
        .wall = wall / 1000,
        .zone_minutes = clock_zone_minutes(wall),
        .hostname = cli_hostname(cli),
        .sender = text->from,
        .recipients = recipients,
        .recipient_count = 1,
    };
    HELD(buf) message = BUF(TEXT_MAX);

    if (!cli_secrets(cli, &world, err))
        return false;
    if (text->from)
        buf_addf(&message, "From: <%s>\r\n", text->from);
    buf_addf(&message, "To: %s\r\nSubject: %s\r\n\r\n%s", recipients[0], text->subject, text->body);
    if (message.full)
        return err_set(err, ERR_LIMIT, "an address is too long");
    order.directory = world.state;
    order.bytes = buf_span(&message);
    return random_fill(&dice_system, order.random, sizeof order.random, err) &&
           intake_prepare(&order, ret_prepared, err);
}
