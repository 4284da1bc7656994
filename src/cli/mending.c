#include "cli/mending.h"

#include <stdio.h>

#include "base/str.h"
#include "know/knowledge.h"
#include "smtp/sasl.h"

#include "base/banned.h"

/* How unlike the name of a known server a name may be that nobody has: two letters changed places, one is missing. */
enum { TYPING_ERRORS = 2 };

struct case_of {
    const struct account *account;
    const struct knowledge *know;
    const struct doctor_report *report;
};

static struct span domain_of(const struct account *account)
{
    struct span address = span_of(account->address);

    return span_from(address, span_find_last(address, '@') + 1);
}

/* ---- changes ---- */

static const char *written(const struct account *account, const char *key, struct buf *value)
{
    const struct setting *setting = setting_find(&account_kind, span_of(key));

    setting_show(setting, account, value);
    return buf_text(value);
}

/* Nothing is changed into what it is. */
static void change(const struct case_of *of, struct mending *mending, const char *key, const char *value)
{
    HELD(buf) now = BUF(4096);

    if (strcmp(written(of->account, key, &now), value) == 0 || mending->count == MENDING_CHANGES_MAX ||
        strlen(value) >= MENDING_VALUE_MAX)
        return;
    struct mending_change *made = &mending->changes[mending->count++];
    made->key = key;
    snprintf(made->value, sizeof made->value, "%s", value);
}

static bool change_server(const struct case_of *of, struct mending *mending, const char *host, uint16_t port,
                          enum security security)
{
    char server[MENDING_VALUE_MAX];

    snprintf(server, sizeof server, "%s:%u", host, (unsigned)port);
    change(of, mending, "server", server);
    change(of, mending, "security", security_word(security));
    return mending->count > 0;
}

/* ---- another way to the server, one that was seen to work ---- */

/* The less it changes, the better: the other encryption of this port, another port of this server, another server of the
 * provider. Port 25 is for servers among themselves. 0: this is no way. */
static int worth(const struct around_sight *sight)
{
    if (sight->state != AROUND_WORKS || sight->security == SECURITY_NONE || sight->port == 25)
        return 0;
    switch (sight->role) {
    case AROUND_OTHERWISE:
        return 4;
    case AROUND_PORT:
        return sight->port == 465 || sight->port == 587 ? 3 : 2;
    case AROUND_SIBLING:
        return 1;
    case AROUND_OTHER:
    case AROUND_WEB:
    case AROUND_SHORT:
    case AROUND_UNPINNED:
        break;
    }
    return 0;
}

static bool by_another_way(const struct case_of *of, struct mending *mending)
{
    const struct around_sight *best = NULL;

    for (size_t i = 0; i < of->report->around->count; i++) {
        const struct around_sight *sight = &of->report->around->at[i];
        if (worth(sight) > (best ? worth(best) : 0))
            best = sight;
    }
    return best && change_server(of, mending, best->host, best->port, best->security);
}

/* SMTP is shut, and the account was told to go by nothing else. */
static bool by_https(const struct case_of *of, struct mending *mending)
{
    const struct account *account = of->account;
    bool may = account->profile && account->profile->http_api && account->transport == TRANSPORT_SMTP &&
               (account->auth == ACCOUNT_AUTH_OAUTH || account->auth == ACCOUNT_AUTH_TOKEN);

    if (may)
        change(of, mending, "transport", "auto");
    return may;
}

/* ---- the server that the provider really has ---- */

static bool is_plain_name(const struct profile_server *server)
{
    return strchr(server->host, '{') == NULL && server->security != SECURITY_NONE;
}

/* A name that differs by a typing error, and from one name only. */
static const struct profile_server *meant_server(const struct knowledge *know, const char *host)
{
    const struct profile_server *nearest = NULL;
    unsigned least = TYPING_ERRORS + 1;
    bool alone = true;

    for (size_t i = 0; i < know_profile_count(know); i++) {
        const struct profile *profile = know_profile_at(know, i);
        for (size_t k = 0; profile->kind != PROFILE_BRIDGE && profile->kind != PROFILE_GENERIC && k < profile->server_count; k++) {
            const struct profile_server *server = &profile->servers[k];
            unsigned distance = str_distance(host, server->host, TYPING_ERRORS);
            if (distance > least || !is_plain_name(server) || (nearest && strcmp(nearest->host, server->host) == 0))
                continue;
            alone = distance < least;
            least = distance;
            nearest = server;
        }
    }
    return alone ? nearest : NULL;
}

/* Whose mailbox this is tells the address, before the name that was written. */
static const struct profile_server *provider_server(const struct case_of *of)
{
    const struct profile *profile = know_profile_of_domain(of->know, domain_of(of->account));

    if (!profile || profile->kind == PROFILE_GENERIC)
        profile = of->report->target->profile;
    if (profile && profile->kind == PROFILE_BRIDGE)
        return NULL;
    for (size_t i = 0; profile && i < profile->server_count; i++)
        if (is_plain_name(&profile->servers[i]))
            return &profile->servers[i];
    return NULL;
}

static bool by_the_providers_server(const struct case_of *of, struct mending *mending)
{
    const struct profile_server *server = provider_server(of);
    bool other = server && strcmp(server->host, of->report->target->host) != 0;

    return other && change_server(of, mending, server->host, server->port, server->security);
}

static bool by_the_name_that_was_meant(const struct case_of *of, struct mending *mending)
{
    const struct profile_server *server = meant_server(of->know, of->report->target->host);

    mending->is_strange = server && change_server(of, mending, server->host, server->port, server->security);
    return mending->is_strange;
}

/* ---- signing in ---- */

/* The form of user name that the provider wants, where it is known. */
static bool by_user_name(const struct case_of *of, struct mending *mending)
{
    const struct profile *profile = of->account->profile;
    struct span address = span_of(of->account->address);
    char name[MENDING_VALUE_MAX] = "";

    if (!profile || profile->kind == PROFILE_GENERIC || of->account->auth != ACCOUNT_AUTH_PASSWORD)
        return false;
    if (profile->username == USERNAME_ADDRESS)
        snprintf(name, sizeof name, "%.*s", SPAN_ARG(address));
    if (profile->username == USERNAME_LOCALPART)
        snprintf(name, sizeof name, "%.*s", SPAN_ARG(span_cut(address, 0, span_find_last(address, '@'))));
    if (profile->username == USERNAME_OTHER && profile->username_fixed)
        snprintf(name, sizeof name, "%s", profile->username_fixed);
    if (name[0])
        change(of, mending, "username", name);
    return mending->count > 0;
}

/* Of what the account allows now, does nothing show the password itself? */
static bool keeps_password(const struct account *account)
{
    const unsigned shows = SASL_BIT(SASL_PLAIN) | SASL_BIT(SASL_LOGIN);

    return account_credential(account) == SASL_PASSWORD && (account_mechanisms(account) & shows) == 0;
}

/* A list of mechanisms that shuts out all that the provider takes. */
static bool by_mechanisms(const struct case_of *of, struct mending *mending)
{
    const struct profile *profile = of->account->profile;
    const struct setting_list *named = &of->account->mechanisms;

    if (!named->count || !profile || profile->kind == PROFILE_GENERIC || !profile->mechanisms.count)
        return false;
    for (size_t i = 0; i < named->count; i++)
        if (words_have(profile->mechanisms, named->at[i]))
            return false;
    change(of, mending, "mechanisms", "");
    mending->is_weaker = mending->count > 0 && keeps_password(of->account);
    return mending->count > 0;
}

/* Another mechanism than those that were named has signed in. Where it is what would be chosen anyhow, nobody need name it. */
static bool by_what_signs_in(const struct case_of *of, struct mending *mending)
{
    const unsigned shows = SASL_BIT(SASL_PLAIN) | SASL_BIT(SASL_LOGIN);
    const char *works = of->report->mechanism;
    enum sasl_mechanism mechanism;

    if (!of->account->mechanisms.count || !works || !sasl_from_name(span_of(works), &mechanism))
        return false;
    change(of, mending, "mechanisms", of->report->mechanism_is_usual ? "" : works);
    mending->was_tried = mending->count > 0;
    mending->is_weaker = mending->count > 0 && keeps_password(of->account) && (SASL_BIT(mechanism) & shows);
    return mending->count > 0;
}

/* No passwords any more. Without an application's id nobody can sign in otherwise, and that is a person's to get. */
static bool by_oauth(const struct case_of *of, struct mending *mending)
{
    const struct account *account = of->account;
    const struct profile *profile = account->profile;

    if (account->auth != ACCOUNT_AUTH_PASSWORD || !profile || !profile->oauth.token || of->report->verdict.guess ||
        !(account->client_id || profile->oauth.client_id))
        return false;
    change(of, mending, "auth", "oauth");
    if (account->mechanisms.count)
        change(of, mending, "mechanisms", "");
    mending->wants_sign_in = true;
    return true;
}

/* ---- which of them, for which cause ---- */

enum { TRIED_MAX = 3 };

static const struct {
    const char *cause;
    bool (*tried[TRIED_MAX])(const struct case_of *of, struct mending *mending); /* the first that finds something */
} remedies[] = {
    { "dns_host_not_found", { by_the_providers_server, by_the_name_that_was_meant } },
    { "dns_host_malformed", { by_the_providers_server } },
    { "connect_timeout_port_blocked", { by_another_way, by_https } },
    { "connect_timeout_wrong_port", { by_another_way, by_the_providers_server } },
    { "connect_refused_no_listener", { by_another_way, by_the_providers_server } },
    { "connect_refused_firewall", { by_another_way, by_https } },
    { "tls_on_plaintext_port", { by_another_way } },
    { "plaintext_on_tls_port", { by_another_way } },
    { "starttls_not_offered", { by_another_way } },
    { "wrong_port_use_submission", { by_another_way } },
    { "auth_not_offered", { by_another_way } },
    { "cert_hostname_mismatch", { by_the_providers_server } },
    { "wrong_server_for_account", { by_the_providers_server, by_another_way } },
    { "auth_bad_credentials", { by_user_name } },
    { "auth_no_common_mechanism", { by_mechanisms, by_what_signs_in } },
    { "auth_basic_disabled", { by_oauth } },
    { "auth_smtp_disabled_mailbox", { by_https } },
    { "auth_smtp_disabled_tenant", { by_https } },
};

void mending_choose(const struct account *account, const struct knowledge *know, const struct doctor_report *report,
                    struct mending *ret_mending)
{
    const struct case_of of = { account, know, report };

    *ret_mending = (struct mending){ .count = 0 };
    if (report->ok || !report->judged || account_security(account) == SECURITY_NONE)
        return;
    for (size_t i = 0; i < COUNT(remedies); i++) {
        if (strcmp(remedies[i].cause, report->verdict.cause->id) != 0)
            continue;
        for (size_t k = 0; k < TRIED_MAX && remedies[i].tried[k]; k++)
            if (remedies[i].tried[k](&of, ret_mending))
                return;
    }
}

/* ---- the account as it would be ---- */

static const struct mending_change *change_of(const struct mending *mending, const char *key)
{
    for (size_t i = 0; i < mending->count; i++)
        if (strcmp(mending->changes[i].key, key) == 0)
            return &mending->changes[i];
    return NULL;
}

static bool set_all(struct account *account, const struct account *former, const struct mending *mending, struct err *err)
{
    for (size_t i = 0; i < account_kind.count; i++) {
        const struct setting *setting = &account_kind.settings[i];
        const struct setting_origin *origin = &former->origins[i];
        const struct mending_change *new_one = change_of(mending, setting->key);
        HELD(buf) value = BUF(INI_LINE_MAX);
        if (new_one)
            buf_add(&value, new_one->value);
        else if (origin->from && !origin->filled)
            setting_show(setting, former, &value);
        if (value.full)
            return err_no_memory(err);
        if (value.len && !account_set(account, setting->key, buf_span(&value), err))
            return false;
    }
    return true;
}

bool mending_account(const struct account *account, const struct mending *mending, const struct knowledge *know,
                     struct account **ret_account, struct err *err)
{
    OWN(account) made = NULL;

    if (!account_new(span_of(account->name), &made, err) || !set_all(made, account, mending, err) ||
        !account_fill(made, know, err) || !account_check(made, err))
        return false;
    *ret_account = GIVE(made);
    return true;
}
