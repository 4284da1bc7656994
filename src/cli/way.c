#include "cli/way.h"

#include "cli/print.h"
#include "mail/date.h"
#include "os/clock.h"
#include "relay/choice.h"

#include "base/banned.h"

static const char *const words[] = { [TRANSPORT_UNSET] = "auto", [TRANSPORT_AUTO] = "auto",
                                     [TRANSPORT_SMTP] = "smtp",  [TRANSPORT_GRAPH] = "graph",
                                     [TRANSPORT_GMAIL] = "gmail" };

/* What holds now of what was found out; `uses` is "" where that is nothing. */
static struct choice found_out(const struct account *account, const struct secret_world *world)
{
    struct choice choice = { 0 };

    if (strcmp(words[account->transport], "auto") == 0 && choice_other_way(account))
        choice_read(world->disk, world->state, account, &choice);
    if (!choice_holds(&choice, clock_wall(&clock_system)))
        choice = (struct choice){ 0 };
    return choice;
}

void way_show(const struct cli *cli, const struct account *account, const struct secret_world *world)
{
    const struct choice choice = found_out(account, world);
    HELD(buf) since = BUF(64);

    if (!choice.uses[0])
        return;
    date_add_rfc3339(&since, choice.since / 1000);
    say(cli, "# way out: %s, since %s, for SMTP is shut (%s)", choice.uses, buf_text(&since), choice.because);
}

void way_json(struct json *json, const struct account *account, const struct secret_world *world)
{
    const struct choice choice = found_out(account, world);
    const char *setting = words[account->transport];
    bool found = choice.uses[0] != '\0';
    HELD(buf) since = BUF(64);

    date_add_rfc3339(&since, choice.since / 1000);
    json_open(json, "transport", '{');
    json_text(json, "setting", setting);
    json_text(json, "uses", found ? choice.uses : strcmp(setting, "auto") == 0 ? "smtp" : setting);
    json_text(json, "since", found ? buf_text(&since) : NULL);
    json_text(json, "because", found ? choice.because : NULL);
    json_close(json);
}

bool way_forget(const struct secret_world *world, const struct account *account, struct err *err)
{
    return choice_forget(world->disk, world->state, account, err);
}
