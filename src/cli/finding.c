#include "cli/finding.h"

#include <stdio.h>

#include "base/str.h"
#include "cli/print.h"
#include "net/loop.h"

#include "base/banned.h"

enum { PATIENCE_MS = 12 * 1000 };

bool finding_address(const char *text, struct address *ret_address, struct err *err)
{
    HELD(buf) shown = BUF(120);

    if (address_parse(span_of(text), ret_address, err))
        return true;
    str_printable(&shown, span_of(text), 80);
    if (err)
        err->fact = "kind:usage"; /* neither a recipient nor a message is at fault */
    return err_in(err, "the address \"%s\"", buf_text(&shown));
}

/* ---- asking ---- */

struct waiting {
    struct discovery *discovery;
    bool done;
};

static void found(void *who, struct discovery *discovery)
{
    struct waiting *waiting = who;

    waiting->discovery = discovery;
    waiting->done = true;
}

bool finding_run(struct cli *cli, const char *address, bool offline,
                 struct discovery **ret_discovery, struct err *err)
{
    const struct knowledge *know = cli_knowledge(cli, err);
    const struct config *config = know ? cli_config(cli, err) : NULL;
    const struct network *network = config ? cli_network(cli, err) : NULL;
    struct waiting waiting = { 0 };

    if (!network)
        return false;
    const struct discover_plan plan = {
        .address = address,
        .know = know,
        .offline = offline,
        .resolver = network->resolver,
        .detours = network->detours,
        .ca_file = network->ca_file,
        .proxy = config->outpost.https_proxy,
        .deadline = loop_now(network->loop) +
                    (network->timeout_ms ? network->timeout_ms : PATIENCE_MS),
    };
    struct discover *discover = NULL;
    if (!discover_start(network->loop, &plan, found, &waiting, &discover, err))
        return false;
    loop_run_until(network->loop, &waiting.done);
    if (!waiting.discovery)
        return err_set(err, ERR_INTERNAL, "looking for settings came to no end");
    *ret_discovery = waiting.discovery;
    return true;
}

/* ---- the table ---- */

static const char *security_words(enum security security)
{
    static const char *const words[] = {
        [SECURITY_STARTTLS] = "STARTTLS",
        [SECURITY_TLS] = "TLS",
        [SECURITY_NONE] = "none",
    };

    return words[security];
}

static void auth_words(const struct candidate *candidate, char *out, size_t room)
{
    HELD(buf) text = BUF(60);

    for (size_t i = 0; i < candidate->auth_count; i++)
        buf_addf(&text, "%s%s", i ? " or " : "", candidate_auth_word(candidate->auth[i]));
    snprintf(out, room, "%s", text.len ? buf_text(&text) : "ask the server");
}

struct columns {
    int host, auth;
};

static struct columns columns_for(const struct candidates *candidates)
{
    struct columns columns = { (int)strlen("server"), (int)strlen("sign-in") };

    for (size_t i = 0; i < candidates->count; i++) {
        char auth[64];
        auth_words(&candidates->at[i], auth, sizeof auth);
        if ((int)strlen(candidates->at[i].host) > columns.host)
            columns.host = (int)strlen(candidates->at[i].host);
        if ((int)strlen(auth) > columns.auth)
            columns.auth = (int)strlen(auth);
    }
    return columns;
}

/* What does not fit behind the columns stands below them, so that they stay columns. */
static void row(const struct cli *cli, struct columns columns, const struct candidate *candidate,
                const char *last)
{
    struct page page = page_to(cli, false);
    HELD(buf) line = BUF(1000);
    char auth[64];

    auth_words(candidate, auth, sizeof auth);
    buf_addf(&line, "  %-*s  %5u  %-10s  %-*s", columns.host, candidate->host, candidate->port,
             security_words(candidate->security), columns.auth, auth);
    bool fits = line.len + 2 + strlen(last) <= page.width;
    say(cli, "%s  %s", buf_text(&line), fits ? last : "");
    if (!fits && !cli->quiet && !cli->json)
        page_text(&page, "    ", last);
}

void finding_table(const struct cli *cli, const struct candidates *candidates,
                   const char *const *marks)
{
    struct columns columns = columns_for(candidates);

    say_heading(cli, "  %-*s  %5s  %-10s  %-*s  %s", columns.host, "server", "port", "encryption",
                columns.auth, "sign-in", marks ? "verdict" : "says who");
    for (size_t i = 0; i < candidates->count; i++) {
        const struct candidate *candidate = &candidates->at[i];
        HELD(buf) last = BUF(1000);
        buf_add(&last, marks ? marks[i] : candidate_source_words(candidate->source));
        if (candidate->refused)
            buf_add(&last, " - never used: no encryption");
        row(cli, columns, candidate, buf_text(&last));
    }
}

void finding_line(const struct cli *cli, const char *name, const char *text)
{
    struct page page = page_to(cli, false);
    char lead[16];

    if (cli->quiet || cli->json)
        return;
    snprintf(lead, sizeof lead, "%-11s", name);
    page_text(&page, lead, text);
}

static void password_line(const struct cli *cli, const struct profile *profile)
{
    HELD(buf) text = BUF(1000);

    if (profile->password == PASSWORD_OFF)
        buf_addf(&text, "not taken%s%s; app passwords neither",
                 profile->password_since ? " since " : "",
                 profile->password_since ? profile->password_since : "");
    else if (profile->password == PASSWORD_APP)
        buf_addf(&text, "only one made for this: an app password%s%s",
                 profile->app_password_page ? ", from " : "",
                 profile->app_password_page ? profile->app_password_page : "");
    if (text.len)
        finding_line(cli, "Password", buf_text(&text));
}

static void limit(struct buf *out, uint64_t number, const char *words)
{
    if (number)
        buf_addf(out, "%s%llu %s", out->len ? ", " : "", (unsigned long long)number, words);
}

void finding_profile(const struct cli *cli, const struct profile *profile)
{
    const struct profile_limits *limits = &profile->limits;
    HELD(buf) text = BUF(600);

    password_line(cli, profile);
    limit(&text, limits->messages_per_minute, "messages a minute");
    limit(&text, limits->messages_per_hour, "messages an hour");
    limit(&text, limits->messages_per_day, "messages a day");
    limit(&text, limits->recipients_per_day, "recipients a day");
    limit(&text, limits->recipients_per_message, "recipients a message");
    limit(&text, limits->connections, "connections at once");
    limit(&text, limits->message_size / (1024 * 1024), "MB a message");
    if (text.len)
        finding_line(cli, "Limits", buf_text(&text));
    for (size_t i = 0; i < profile->notes.count; i++)
        finding_line(cli, i ? "" : "Notes", profile->notes.at[i]);
}

void finding_looks(const struct cli *cli, const struct discovery *discovery)
{
    for (size_t i = 0; i < discovery->look_count; i++) {
        const struct discover_look *look = &discovery->looks[i];
        if (look->err.kind != ERR_NONE)
            note(cli, "  %s: %s", look->asked, look->err.text);
        else
            note(cli, "  %s: %zu found", look->asked, look->found);
    }
}

/* ---- JSON ---- */

static void limits_json(struct json *json, const struct profile_limits *limits)
{
    const struct {
        const char *name;
        uint64_t value;
    } rows[] = {
        { "messages_per_minute", limits->messages_per_minute },
        { "messages_per_hour", limits->messages_per_hour },
        { "messages_per_day", limits->messages_per_day },
        { "recipients_per_day", limits->recipients_per_day },
        { "recipients_per_message", limits->recipients_per_message },
        { "connections", limits->connections },
        { "message_size", limits->message_size },
    };

    json_open(json, "limits", '{');
    for (size_t i = 0; i < COUNT(rows); i++)
        if (rows[i].value)
            json_number(json, rows[i].name, rows[i].value);
    json_close(json);
}

static void candidate_json(struct json *json, const struct candidate *candidate, int proven)
{
    json_open(json, NULL, '{');
    json_text(json, "host", candidate->host);
    json_number(json, "port", candidate->port);
    json_text(json, "security", security_word(candidate->security));
    json_open(json, "auth", '[');
    for (size_t a = 0; a < candidate->auth_count; a++)
        json_text(json, NULL, candidate_auth_word(candidate->auth[a]));
    json_close(json);
    json_text(json, "username", *candidate->username ? candidate->username : NULL);
    json_text(json, "source", candidate_source_word(candidate->source));
    json_bool(json, "refused", candidate->refused);
    if (proven < 0)
        json_none(json, "proven");
    else
        json_bool(json, "proven", proven > 0);
    json_close(json);
}

void finding_json(struct json *json, const char *address, const struct discovery *discovery,
                  const int *proven)
{
    const struct profile *profile = discovery->profile;

    json_text(json, "address", address);
    json_text(json, "provider", profile ? profile->id : NULL);
    json_text(json, "kind", profile ? profile_kind_word(profile->kind) : NULL);
    json_open(json, "candidates", '[');
    for (size_t i = 0; i < discovery->candidates.count; i++)
        candidate_json(json, &discovery->candidates.at[i], proven ? proven[i] : -1);
    json_close(json);
    limits_json(json, profile ? &profile->limits : &(struct profile_limits){ 0 });
    json_open(json, "notes", '[');
    for (size_t i = 0; profile && i < profile->notes.count; i++)
        json_text(json, NULL, profile->notes.at[i]);
    json_close(json);
}
