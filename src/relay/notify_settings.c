/* The table of [notify]. */
#include "relay/notify.h"

#include "mail/address.h"
#include "net/command.h"
#include "net/url.h"

#include "base/banned.h"

static bool is_command(struct span value, struct err *err)
{
    struct command command;

    if (!command_parse(value, &command, err)) {
        if (err && !err->fact)
            err->fact = "config:bad";
        return false;
    }
    command_done(&command);
    return true;
}

static bool is_https(struct span value, struct err *err)
{
    struct url url;

    /* The address may be a secret in itself: it is not repeated. */
    return url_parse(value, &url, NULL) ||
           err_found(err, ERR_CONFIG, "config:bad", "an address that begins with https:// is wanted");
}

static bool is_whole_path(struct span value, struct err *err)
{
    return (span_starts(value, "/") && value.at[value.len - 1] != '/') ||
           err_found(err, ERR_CONFIG, "config:bad", "the whole path of a mailbox file is wanted, such as /var/mail/me");
}

static bool is_address(struct span value, struct err *err)
{
    struct address address;

    if (!address_parse(value, &address, err)) {
        if (err && err->kind != ERR_MEMORY) {
            err->kind = ERR_CONFIG;
            err->fact = "config:bad";
        }
        return false;
    }
    address_done(&address);
    return true;
}

#define AT(member_) .offset = offsetof(struct notify_settings, member_)

static const struct setting settings[] = {
    { .key = "command", .type = SETTING_TEXT, AT(command), .check = is_command,
      .doc = "a program that tells: the text on its standard input, OUTPOST_SUBJECT and others in its environment" },
    { .key = "webhook", .type = SETTING_TEXT, AT(webhook), .check = is_https, .hidden = true,
      .doc = "https://... that gets a POST of JSON" },
    { .key = "mailbox", .type = SETTING_TEXT, AT(mailbox), .check = is_whole_path,
      .doc = "a mailbox file of this machine, such as /var/mail/me" },
    { .key = "reports_to", .type = SETTING_TEXT, AT(reports_to), .check = is_address,
      .doc = "the address that reports of failed messages go to; default: the account's own" },
};

_Static_assert(COUNT(settings) == NOTIFY_SETTINGS, "each setting has an origin");

static const struct setting_kind kind = {
    "notify", false, settings, COUNT(settings), "how a person is told what needs one, once for each event",
};

const struct config_part notify_part = {
    .kind = &kind,
    .size = sizeof(struct notify_settings),
    .origins = offsetof(struct notify_settings, origins),
};

bool notify_has_ways(const struct notify_settings *s)
{
    return s->command || s->webhook || s->mailbox;
}
