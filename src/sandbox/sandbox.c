#include "sandbox/sandbox_int.h"

#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/json.h"
#include "base/str.h"
#include "net/cert.h"
#include "os/file.h"

#include "base/banned.h"

enum {
    DAY = 24 * 60 * 60,
    LEAF_DAYS = 397,
    HTTPS = 443,
    ABOUT_MAX = 256 * 1024,
    SUBMISSION = 587,
    SUBMISSIONS = 465,
};

/* -- places -- */

static char *joined(const char *directory, const char *name)
{
    HELD(buf) path = BUF(4096);

    buf_addf(&path, "%s/%s", directory, name);
    return buf_give(&path);
}

static bool make_places(struct sandbox *sandbox, struct err *err)
{
    const struct sandbox_options *options = sandbox->options;

    if (!file_make_dirs(options->disk, options->dir, 0700, err))
        return false;
    char *whole = realpath(options->dir, NULL);
    if (!whole)
        return err_sys(err, ERR_CREATE, errno, "finding %s", options->dir);
    sandbox->dir = str_copy(whole);
    free(whole);
    if (!sandbox->dir)
        return err_no_memory(err);
    sandbox->ca_file = joined(sandbox->dir, "ca.pem");
    sandbox->mail = joined(sandbox->dir, "mail");
    if (!sandbox->ca_file || !sandbox->mail)
        return err_no_memory(err);
    return maildir_open(options->disk, sandbox->mail, &sandbox->maildir, err);
}

/* -- certificates -- */

/* Those of the HTTPS side that are not SMTP's, too. */
static bool add_web_names(struct sandbox *sandbox, const char **names, struct err *err)
{
    struct span hosts[ISSUER_HOSTS_MAX];
    size_t count = issuer_hosts(sandbox->provider.profile, hosts), added = 0;

    for (size_t i = 0; i < count; i++) {
        bool known = false;
        for (size_t k = 0; k < sandbox->provider.name_count; k++)
            known |= span_is_word(hosts[i], sandbox->provider.names[k]);
        if (known)
            continue;
        names[added] = pool_text(&sandbox->provider.pool, hosts[i]);
        if (!names[added++])
            return err_no_memory(err);
    }
    return true;
}

static bool make_certificates(struct sandbox *sandbox, struct err *err)
{
    const char *names[PROVIDER_NAMES_MAX + ISSUER_HOSTS_MAX + 4] = { "localhost", "127.0.0.1", "::1" };
    uint64_t now = clock_wall(sandbox->options->clock) / 1000;
    OWN(cert) authority = NULL;
    OWN(cert) leaf = NULL;
    HELD(buf) ca = BUF(16 * 1024), chain = BUF(16 * 1024), key = BUF(16 * 1024);

    memcpy(names + 3, sandbox->provider.names, sandbox->provider.name_count * sizeof *names);
    if (!add_web_names(sandbox, names + 3 + sandbox->provider.name_count, err))
        return false;
    const struct cert_plan plan = { .names = names, .from = now - DAY, .until = now + LEAF_DAYS * (uint64_t)DAY };
    if (!cert_make_authority("outpost sandbox", plan.from, plan.until, &authority, err))
        return false;
    struct cert_plan issued = plan;
    issued.issuer = authority;
    if (!cert_make(&issued, &leaf, err))
        return false;
    cert_add_chain(authority, &ca);
    cert_add_chain(leaf, &chain);
    cert_add_key(leaf, &key);
    if (ca.full || chain.full || key.full)
        return err_no_memory(err);
    OWN(secret) pem = secret_new(buf_span(&key));
    if (!pem || !crypto_key_read(pem, &sandbox->key, err))
        return pem || err_no_memory(err);
    const struct tls_server_plan tls = { .chain_pem = buf_span(&chain), .key_pem = buf_span(&key) };
    return tls_server_context(&tls, &sandbox->tls, err) &&
           file_write(sandbox->options->disk, sandbox->ca_file, buf_span(&ca), FILE_MADE(0644),
                      err);
}

/* -- endpoints -- */

static void came(void *who, struct stream *stream)
{
    caller_new(who, stream);
}

static bool open_endpoint(struct endpoint *endpoint, bool tls_first, uint16_t port, struct err *err)
{
    struct sandbox *sandbox = endpoint->sandbox;
    const struct listen_plan plan = { .address = LISTEN_LOOPBACK, .port = port };

    endpoint->plan =
        (struct session_server_plan){ .smtp = sandbox->provider.plan, .tls = sandbox->tls, .tls_first = tls_first };
    if (!listen_open(sandbox->loop, &plan, came, endpoint, &endpoint->listener, err))
        return false;
    endpoint->port = listener_port(endpoint->listener);
    return true;
}

/* Without the module there is no HTTPS, and the rest all the same. */
static bool open_web(struct sandbox *sandbox, uint16_t port, struct err *err)
{
    struct issuer *issuer = &sandbox->issuer;
    struct err why = { 0 };

    if (!web_open(sandbox, port, &why) && why.kind != ERR_INTERNAL) {
        if (err)
            *err = why;
        return false;
    }
    issuer->profile = sandbox->provider.profile;
    issuer->users = sandbox->users;
    issuer->user_count = sandbox->user_count;
    issuer->key = sandbox->key;
    issuer->port = sandbox->web ? serve_port(sandbox->web) : 0;
    issuer->scenarios = sandbox->options->scenarios;
    issuer->access_life_ms = sandbox->options->token_life_ms;
    issuer->device_interval_ms = sandbox->options->device_interval_ms;
    if (!issuer_begin(issuer))
        return err_no_memory(err);
    sandbox_tell(sandbox, &sandbox->about);
    issuer->about = buf_span(&sandbox->about);
    return !sandbox->about.full || err_no_memory(err);
}

static bool open_endpoints(struct sandbox *sandbox, struct err *err)
{
    uint16_t base = sandbox->options->port_base;

    if (base > UINT16_MAX - 2)
        return err_set(err, ERR_CONFIG, "the port base leaves no room for two ports more");
    return open_endpoint(&sandbox->starttls, false, base, err) &&
           open_endpoint(&sandbox->tls_first, true, base ? (uint16_t)(base + 1) : 0, err) &&
           open_web(sandbox, base ? (uint16_t)(base + 2) : 0, err);
}

/* -- users -- */

static bool choose_users(struct sandbox *sandbox, struct err *err)
{
    const struct sandbox_options *options = sandbox->options;
    const struct words domains = sandbox->provider.profile->domains;
    const char *domain = words_have(domains, options->provider) ? options->provider
                         : domains.count                        ? domains.at[0]
                                                                : "example.com";
    HELD(buf) name = BUF(300);

    if (options->user_count > SANDBOX_USERS_MAX)
        return err_set(err, ERR_CONFIG, "more than %d users", SANDBOX_USERS_MAX);
    sandbox->users = options->users;
    sandbox->user_count = options->user_count;
    if (options->user_count)
        return true;
    buf_addf(&name, "me@%s", domain);
    char *username = buf_give(&name);
    sandbox->only = (struct sandbox_user){ username, "sandbox-password", "sandbox-token" };
    sandbox->users = &sandbox->only;
    sandbox->user_count = 1;
    return username || err_no_memory(err);
}

/* -- birth and death -- */

bool sandbox_start(struct loop *loop, const struct sandbox_options *options,
                   struct sandbox **ret_sandbox, struct err *err)
{
    OWN(sandbox) sandbox = NEW(sandbox);

    if (!sandbox)
        return err_no_memory(err);
    sandbox->loop = loop;
    sandbox->options = options;
    sandbox->about = (struct buf)BUF(ABOUT_MAX);
    sandbox->starttls.sandbox = sandbox->tls_first.sandbox = sandbox;
    if (!provider_make(options->know, options->provider, &sandbox->provider, err) ||
        !choose_users(sandbox, err) || !make_places(sandbox, err) ||
        !make_certificates(sandbox, err) || !open_endpoints(sandbox, err))
        return false;
    *ret_sandbox = GIVE(sandbox);
    return true;
}

static void close_endpoint(struct endpoint *endpoint)
{
    listener_free(endpoint->listener);
}

void sandbox_free(struct sandbox *sandbox)
{
    if (!sandbox)
        return;
    close_endpoint(&sandbox->starttls);
    close_endpoint(&sandbox->tls_first);
    callers_free(sandbox);
    web_free(sandbox);
    issuer_done(&sandbox->issuer);
    crypto_key_free(sandbox->key);
    buf_done(&sandbox->about);
    tls_context_free(sandbox->tls);
    maildir_free(sandbox->maildir);
    mem_free((char *)(uintptr_t)sandbox->only.username);
    mem_free(sandbox->dir);
    mem_free(sandbox->ca_file);
    mem_free(sandbox->mail);
    provider_done(&sandbox->provider);
    mem_free(sandbox);
}

/* -- what it tells -- */

uint16_t sandbox_port_starttls(const struct sandbox *sandbox)
{
    return sandbox->starttls.port;
}

uint16_t sandbox_port_tls(const struct sandbox *sandbox)
{
    return sandbox->tls_first.port;
}

const char *sandbox_ca_file(const struct sandbox *sandbox)
{
    return sandbox->ca_file;
}

const char *sandbox_mail(const struct sandbox *sandbox)
{
    return sandbox->mail;
}

static void tell_endpoint(struct json *json, uint16_t port, const char *security)
{
    json_open(json, NULL, '{');
    json_text(json, "host", "127.0.0.1");
    json_number(json, "port", port);
    json_text(json, "security", security);
    json_close(json);
}

uint16_t sandbox_port_https(const struct sandbox *sandbox)
{
    return sandbox->issuer.port;
}

static void add_detour(struct buf *out, struct span host, unsigned port, unsigned to)
{
    buf_addf(out, "%s%.*s:%u:127.0.0.1:%u", out->len ? "," : "", SPAN_ARG(host), port, to);
}

static void add_web_detours(const struct sandbox *sandbox, struct buf *out)
{
    struct span hosts[ISSUER_HOSTS_MAX];
    size_t count = sandbox->web ? issuer_hosts(sandbox->provider.profile, hosts) : 0;

    for (size_t i = 0; i < count; i++)
        add_detour(out, hosts[i], HTTPS, sandbox->issuer.port);
}

/* Each of the provider's names, at the usual ports and those its profile has besides. */
void sandbox_detours(const struct sandbox *sandbox, struct buf *out)
{
    const struct provider *provider = &sandbox->provider;
    const struct profile *profile = provider->profile;

    for (size_t i = 0; i < provider->name_count; i++) {
        add_detour(out, span_of(provider->names[i]), SUBMISSION, sandbox->starttls.port);
        add_detour(out, span_of(provider->names[i]), SUBMISSIONS, sandbox->tls_first.port);
    }
    for (size_t i = 0; i < profile->server_count; i++) {
        const struct profile_server *server = &profile->servers[i];
        if (server->port == SUBMISSION || server->port == SUBMISSIONS || strchr(server->host, '{'))
            continue;
        const struct endpoint *to =
            server->security == SECURITY_TLS ? &sandbox->tls_first : &sandbox->starttls;
        add_detour(out, span_of(server->host), server->port, to->port);
    }
    add_web_detours(sandbox, out);
}

static void tell_detours(struct json *json, const struct sandbox *sandbox)
{
    HELD(buf) detours = BUF(SANDBOX_DETOURS_MAX);
    struct span rest, detour;

    sandbox_detours(sandbox, &detours);
    rest = buf_span(&detours);
    while (span_split(&rest, ',', &detour))
        json_span(json, NULL, detour);
}

const struct sandbox_user *sandbox_user(const struct sandbox *sandbox)
{
    return &sandbox->users[0];
}

void sandbox_tell(const struct sandbox *sandbox, struct buf *out)
{
    struct json json = json_to(out);

    json_open(&json, NULL, '{');
    json_text(&json, "provider", sandbox->provider.profile->id);
    json_open(&json, "endpoints", '[');
    tell_endpoint(&json, sandbox->starttls.port, "starttls");
    tell_endpoint(&json, sandbox->tls_first.port, "tls");
    json_close(&json);
    json_open(&json, "connect_to", '[');
    tell_detours(&json, sandbox);
    json_close(&json);
    json_text(&json, "ca_file", sandbox->ca_file);
    json_text(&json, "mail", sandbox->mail);
    json_open(&json, "users", '[');
    for (size_t i = 0; i < sandbox->user_count; i++) {
        json_open(&json, NULL, '{');
        json_text(&json, "username", sandbox->users[i].username);
        json_text(&json, "password", sandbox->users[i].password);
        json_text(&json, "token", sandbox->users[i].token);
        json_close(&json);
    }
    json_close(&json);
    if (sandbox->web)
        issuer_tell(&sandbox->issuer, &json);
    json_close(&json);
}

void sandbox_token_url(const struct sandbox *sandbox, struct buf *out)
{
    if (sandbox->web)
        issuer_add_local_url(&sandbox->issuer, sandbox->issuer.profile->oauth.token, out);
}
