/* Until when an account works, and why: account/health.h for the commands that show it. */
#ifndef OUTPOST_CLI_FORECAST_H
#define OUTPOST_CLI_FORECAST_H

#include "account/health.h"
#include "base/json.h"
#include "cli/cli.h"

/* From what is kept on this machine; nobody is asked. */
void forecast(struct cli *cli, const struct account *account, struct health_report *ret_report);
/* "works until 2027-02-23 (unused for 90 days, a sign-in ends)"; nothing where nothing is known. */
void forecast_words(const struct health_report *report, struct buf *out);
/* "health","until","because": members of an open object. */
void forecast_json(struct json *json, const struct health_report *report);

#endif
