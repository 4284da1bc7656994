#include "sandbox/provider.h"

#include "base/scan.h"
#include "base/str.h"
#include "know/classify.h"

#include "base/banned.h"

static const char *keep(struct provider *provider, struct span text)
{
    return pool_text(&provider->pool, text);
}

/* -- names -- */

static void add_name(struct provider *provider, const char *host, const char *value)
{
    HELD(buf) filled = BUF(512);

    if (provider->name_count == PROVIDER_NAMES_MAX || !profile_fill(&filled, host, value))
        return;
    for (size_t i = 0; i < provider->name_count; i++) {
        if (span_is_word(buf_span(&filled), provider->names[i]))
            return;
    }
    const char *name = keep(provider, buf_span(&filled));
    if (name)
        provider->names[provider->name_count++] = name;
}

static void add_names(struct provider *provider)
{
    const struct profile *profile = provider->profile;

    for (size_t i = 0; i < profile->server_count; i++) {
        const char *host = profile->servers[i].host;
        if (!strchr(host, '{'))
            add_name(provider, host, NULL);
        else if (strstr(host, "{region}"))
            for (size_t k = 0; k < profile->regions.count; k++)
                add_name(provider, host, profile->regions.at[k]);
    }
    for (size_t i = 0; i < profile->legacy_hosts.count; i++)
        add_name(provider, profile->legacy_hosts.at[i], NULL);
}

/* -- what EHLO offers -- */

/* Profiles write a blank inside a word as '_'. */
static void add_line(struct buf *text, const char *line)
{
    buf_add_char(text, '\n');
    for (; *line; line++)
        buf_add_char(text, *line == '_' ? ' ' : *line);
}

static bool read_ehlo(const struct profile *profile, struct words lines,
                      struct smtp_extensions *ret_extensions)
{
    static const char usual[] = "\nPIPELINING\n8BITMIME\nENHANCEDSTATUSCODES";
    HELD(buf) text = BUF(8192);

    buf_add(&text, "name");
    for (size_t i = 0; i < lines.count; i++)
        add_line(&text, lines.at[i]);
    if (!lines.count)
        buf_add(&text, usual);
    smtp_extensions_read(buf_span(&text), ret_extensions);
    if (!smtp_offers(ret_extensions, SMTP_AUTH) && profile->mechanisms.count) {
        buf_add(&text, "\nAUTH");
        for (size_t i = 0; i < profile->mechanisms.count; i++)
            buf_addf(&text, " %s", profile->mechanisms.at[i]);
        smtp_extensions_read(buf_span(&text), ret_extensions);
    }
    return !text.full;
}

static uint32_t small(uint64_t number)
{
    return number < UINT32_MAX ? (uint32_t)number : UINT32_MAX;
}

static bool make_plan(struct provider *provider, struct err *err)
{
    const struct profile *profile = provider->profile;
    struct smtp_server_plan *plan = &provider->plan;

    plan->name = provider->name_count ? provider->names[0] : "localhost";
    plan->words = "ESMTP outpost sandbox";
    plan->must_secure = plan->must_sign_in = true;
    plan->error_challenge = profile->capabilities.error_challenge;
    if (!read_ehlo(profile, profile->capabilities.ehlo, &plan->secured) ||
        !read_ehlo(profile,
                      profile->capabilities.ehlo_clear.count ? profile->capabilities.ehlo_clear
                                                             : profile->capabilities.ehlo,
                      &plan->clear))
        return err_no_memory(err);
    if (!plan->secured.size && profile->limits.message_size) {
        plan->secured.size = profile->limits.message_size;
        plan->secured.offered |= SMTP_SIZE;
    }
    plan->secured.rcpt_max = small(profile->limits.recipients_per_message);
    plan->secured.mail_max = small(profile->limits.messages_per_connection);
    plan->clear.offered |= SMTP_STARTTLS;
    plan->clear.offered &= ~(unsigned)SMTP_AUTH;
    return true;
}

/* -- replies -- */

/* "5.7.139 " at the cursor. */
static bool scan_enhanced(struct scan *scan, struct span *ret_enhanced)
{
    struct scan ahead = *scan;
    uint64_t number;

    if (!scan_number(&ahead, 2, 5, &number) || !scan_char(&ahead, '.') ||
        !scan_number(&ahead, 0, 999, &number) || !scan_char(&ahead, '.') ||
        !scan_number(&ahead, 0, 999, &number))
        return false;
    *ret_enhanced = span_cut(scan->all, scan->at, ahead.at);
    *scan = ahead;
    return true;
}

struct provider_reply provider_reply(struct pool *pool, struct span text)
{
    struct scan scan = scan_of(text);
    struct span enhanced = SPAN_NONE;
    uint64_t code;

    if (!scan_number(&scan, 400, 599, &code) || scan.at != 3)
        return (struct provider_reply){ 0 };
    scan_blanks(&scan);
    (void)scan_enhanced(&scan, &enhanced);
    struct span words = span_trim(scan_rest(&scan));
    if (words.len && words.at[words.len - 1] == ']')
        words = span_trim(span_cut(words, 0, span_find_text(words, " [")));
    struct provider_reply reply = { (uint16_t)code, NULL, pool_text(pool, words) };
    if (enhanced.len)
        reply.enhanced = pool_text(pool, enhanced);
    return reply.text && (reply.enhanced || !enhanced.len) ? reply : (struct provider_reply){ 0 };
}

static struct provider_reply example(struct provider *provider, const struct knowledge *know,
                                     const char *cause)
{
    return provider_reply(&provider->pool,
                          span_of(know_reply_example(know, provider->profile->id, cause)));
}

/* What stands between the last '+' and the '@'. */
static struct span wish_of(const char *address)
{
    struct span local = span_cut(span_of(address), 0, span_find_last(span_of(address), '@'));
    size_t plus = span_find_last(local, '+');

    return span_from(local, plus < local.len ? plus + 1 : plus);
}

struct provider_reply provider_wish(struct pool *pool, const char *address)
{
    HELD(buf) text = BUF(128);
    struct span wish = wish_of(address), code;
    struct scan scan = scan_of(wish);
    uint64_t number;

    if (!scan_number(&scan, 400, 599, &number) || scan.at != 3)
        return (struct provider_reply){ 0 };
    code = span_cut(wish, 0, 3);
    buf_add_span(&text, code);
    buf_add_char(&text, ' ');
    if (scan_char(&scan, '-')) {
        struct span enhanced;
        if (!scan_enhanced(&scan, &enhanced))
            return (struct provider_reply){ 0 };
        buf_add_span(&text, enhanced);
        buf_add_char(&text, ' ');
    }
    if (!scan_end(&scan))
        return (struct provider_reply){ 0 };
    buf_add(&text, "as the address wishes");
    return provider_reply(pool, buf_span(&text));
}

bool provider_wishes_drop(const char *address)
{
    return span_is_word(wish_of(address), "drop-after-dot");
}

/* -- all of it -- */

bool provider_make(const struct knowledge *know, const char *id, struct provider *ret_provider,
                   struct err *err)
{
    struct provider provider = { .profile = know_profile(know, id) };

    if (!provider.profile)
        return err_set(err, ERR_CONFIG, "no provider is called \"%s\"", id);
    add_names(&provider);
    if (!make_plan(&provider, err)) {
        provider_done(&provider);
        return false;
    }
    if (provider.profile->password == PASSWORD_OFF) {
        provider.password_off = example(&provider, know, "auth_basic_disabled");
        if (!provider.password_off.code)
            provider.password_off =
                (struct provider_reply){ 535, "5.7.8", "No password is taken here" };
    }
    provider.wrong = example(&provider, know, "auth_bad_credentials");
    provider.wrong_token = example(&provider, know, "oauth_wrong_user");
    if (!provider.wrong_token.code)
        provider.wrong_token = provider.wrong;
    provider.ends_soon = example(&provider, know, "oauth_refresh_token_expired");
    for (size_t i = 0; i < COUNT(provider.smtp_off); i++) {
        provider.smtp_off[i] = example(&provider, know, i ? "auth_smtp_disabled_tenant" : "auth_smtp_disabled_mailbox");
        if (!provider.smtp_off[i].code)
            provider.smtp_off[i] = (struct provider_reply){ 535, "5.7.8", "Nobody signs in here" };
    }
    provider.not_owned = example(&provider, know, "sender_not_owned");
    if (!provider.not_owned.code)
        provider.not_owned = (struct provider_reply){ 550, "5.7.1", "The sender is not the account's own" };
    *ret_provider = provider;
    return true;
}

void provider_done(struct provider *provider)
{
    pool_done(&provider->pool);
}
