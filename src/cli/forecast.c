#include "cli/forecast.h"

#include "cli/message.h"
#include "cli/world.h"
#include "mail/date.h"
#include "os/clock.h"

#include "base/banned.h"

void forecast(struct cli *cli, const struct account *account, struct health_report *ret_report)
{
    OWN(grant) grant = NULL;
    struct secret_world world;

    if (account->auth == ACCOUNT_AUTH_OAUTH && cli_secrets(cli, &world, NULL) &&
        !grant_read(&world, account, &grant, NULL))
        grant = NULL;
    health_forecast(account, grant, clock_wall(&clock_system), ret_report);
}

static void add_date(const struct health_report *report, struct buf *out)
{
    date_add_rfc3339(out, report->until / 1000);
}

void forecast_words(const struct health_report *report, struct buf *out)
{
    HELD(buf) date = BUF(40), until = BUF(60);

    if (report->until) {
        add_date(report, &date);
        message_time(buf_span(&date), &until);
    }
    switch (report->health) {
    case HEALTH_LOST:
        buf_add(out, "does not work");
        break;
    case HEALTH_GOOD:
    case HEALTH_ENDS:
    case HEALTH_ENDING:
        buf_add(out, "works");
        if (until.len)
            buf_addf(out, " until %s", buf_text(&until));
        break;
    case HEALTH_UNKNOWN:
        return;
    }
    if (*report->because)
        buf_addf(out, ": %s", report->because);
}

void forecast_json(struct json *json, const struct health_report *report)
{
    HELD(buf) date = BUF(40);

    json_text(json, "health", health_word(report->health));
    if (report->until)
        add_date(report, &date);
    json_text(json, "until", report->until ? buf_text(&date) : NULL);
    json_text(json, "because", *report->because ? report->because : NULL);
}
