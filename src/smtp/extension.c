#include "smtp/extension.h"

#include "base/own.h"
#include "base/str.h"
#include "mail/date.h"

#include "base/banned.h"

bool smtp_offers_mechanism(const struct smtp_extensions *extensions, const char *name)
{
    for (unsigned i = 0; i < extensions->mechanism_count; i++)
        if (span_is_word(span_of(extensions->mechanisms[i]), name))
            return true;
    return false;
}

/* RFC 1870, 4: 0 says that there is no limit; what is no number says nothing. */
static void read_size(struct smtp_extensions *extensions, struct span params)
{
    uint64_t size;

    if (str_to_u64(params, 0, UINT64_MAX, &size))
        extensions->size = size;
}

static void write_size(const struct smtp_extensions *extensions, struct buf *out)
{
    if (extensions->size)
        buf_addf(out, " %llu", (unsigned long long)extensions->size);
}

static bool is_mechanism(struct span name)
{
    if (!name.len || name.len > SMTP_MECHANISM_MAX)
        return false;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.at[i];
        if (!str_is_alpha(c) && !str_is_digit(c) && c != '-' && c != '_')
            return false;
    }
    return true;
}

static void add_mechanism(struct smtp_extensions *extensions, struct span name)
{
    char known[SMTP_MECHANISM_MAX + 1] = { 0 };

    if (!is_mechanism(name) || extensions->mechanism_count == SMTP_MECHANISMS_MAX)
        return;
    for (size_t i = 0; i < name.len; i++)
        known[i] = name.at[i] >= 'a' && name.at[i] <= 'z' ? (char)(name.at[i] - 'a' + 'A')
                                                          : name.at[i];
    if (!smtp_offers_mechanism(extensions, known))
        memcpy(extensions->mechanisms[extensions->mechanism_count++], known, sizeof known);
}

static void read_auth(struct smtp_extensions *extensions, struct span params)
{
    struct span name;

    while (span_split(&params, ' ', &name))
        add_mechanism(extensions, span_trim(name));
}

static void write_auth(const struct smtp_extensions *extensions, struct buf *out)
{
    for (unsigned i = 0; i < extensions->mechanism_count; i++)
        buf_addf(out, " %s", extensions->mechanisms[i]);
}

/* RFC 9422, 3: a number of up to six digits, never zero; what breaks that is no limit. */
static void read_limit(struct span part, const char *word, uint32_t *ret_limit)
{
    uint64_t number;

    if (span_starts_word(part, word) &&
        str_to_u64(span_from(part, strlen(word)), 1, 999999, &number))
        *ret_limit = (uint32_t)number;
}

static void read_limits(struct smtp_extensions *extensions, struct span params)
{
    struct span part;

    while (span_split(&params, ' ', &part)) {
        read_limit(part, "RCPTMAX=", &extensions->rcpt_max);
        read_limit(part, "MAILMAX=", &extensions->mail_max);
        read_limit(part, "RCPTDOMAINMAX=", &extensions->rcpt_domain_max);
    }
}

static void write_limits(const struct smtp_extensions *extensions, struct buf *out)
{
    if (extensions->rcpt_max)
        buf_addf(out, " RCPTMAX=%u", extensions->rcpt_max);
    if (extensions->mail_max)
        buf_addf(out, " MAILMAX=%u", extensions->mail_max);
    if (extensions->rcpt_domain_max)
        buf_addf(out, " RCPTDOMAINMAX=%u", extensions->rcpt_domain_max);
}

/*= RFC 4865 4
 *# max-future-release-interval SP max-future-release-date-time */
static void read_future_release(struct smtp_extensions *extensions, struct span params)
{
    struct span interval;
    uint64_t seconds;

    if (span_split(&params, ' ', &interval) && str_to_u64(interval, 1, 999999999, &seconds))
        extensions->hold_max = (uint32_t)seconds;
    if (!date_read_rfc3339(span_trim(params), &extensions->hold_until_max))
        extensions->hold_until_max = 0;
}

static void write_future_release(const struct smtp_extensions *extensions, struct buf *out)
{
    if (!extensions->hold_max)
        return;
    buf_addf(out, " %u", extensions->hold_max);
    if (extensions->hold_until_max) {
        buf_add_char(out, ' ');
        date_add_rfc3339(out, extensions->hold_until_max);
    }
}

static void read_deliver_by(struct smtp_extensions *extensions, struct span params)
{
    uint64_t seconds;

    if (str_to_u64(params, 1, 999999999, &seconds))
        extensions->deliver_by_min = (uint32_t)seconds;
}

static void write_deliver_by(const struct smtp_extensions *extensions, struct buf *out)
{
    if (extensions->deliver_by_min)
        buf_addf(out, " %u", extensions->deliver_by_min);
}

static void write_xclient(const struct smtp_extensions *extensions, struct buf *out)
{
    (void)extensions;
    buf_add(out, " NAME ADDR PORT PROTO HELO LOGIN DESTADDR DESTPORT");
}

/* A keyword, and how its parameters are read and written where it has any. */
static const struct keyword {
    const char *word;
    enum smtp_extension bit;
    void (*read)(struct smtp_extensions *extensions, struct span params);
    void (*write)(const struct smtp_extensions *extensions, struct buf *out);
} keywords[] = {
    { "PIPELINING", SMTP_PIPELINING, NULL, NULL },
    { "SIZE", SMTP_SIZE, read_size, write_size },
    { "8BITMIME", SMTP_8BITMIME, NULL, NULL },
    { "SMTPUTF8", SMTP_SMTPUTF8, NULL, NULL },
    { "BINARYMIME", SMTP_BINARYMIME, NULL, NULL },
    { "CHUNKING", SMTP_CHUNKING, NULL, NULL },
    { "DSN", SMTP_DSN, NULL, NULL },
    { "ENHANCEDSTATUSCODES", SMTP_ENHANCEDSTATUSCODES, NULL, NULL },
    { "STARTTLS", SMTP_STARTTLS, NULL, NULL },
    { "AUTH", SMTP_AUTH, read_auth, write_auth },
    { "LIMITS", SMTP_LIMITS, read_limits, write_limits },
    { "FUTURERELEASE", SMTP_FUTURERELEASE, read_future_release, write_future_release },
    { "DELIVERBY", SMTP_DELIVERBY, read_deliver_by, write_deliver_by },
    { "MT-PRIORITY", SMTP_MT_PRIORITY, NULL, NULL },
    { "XCLIENT", SMTP_XCLIENT, NULL, write_xclient },
};

const char *smtp_extension_word(enum smtp_extension which)
{
    for (size_t i = 0; i < COUNT(keywords); i++)
        if (keywords[i].bit == which)
            return keywords[i].word;
    return NULL;
}

static void read_keyword(struct smtp_extensions *extensions, struct span line)
{
    /* A provider has said "8 BITMIME" for years; others still say "AUTH=" for the clients of 1998. */
    if (span_is_word(line, "8 BITMIME"))
        line = SPAN("8BITMIME");
    size_t word = 0;
    while (word < line.len && line.at[word] != ' ' && line.at[word] != '=' && line.at[word] != '\t')
        word++;
    struct span name = span_cut(line, 0, word);
    for (size_t i = 0; i < COUNT(keywords); i++) {
        if (!span_is_word(name, keywords[i].word))
            continue;
        extensions->offered |= (unsigned)keywords[i].bit;
        if (keywords[i].read)
            keywords[i].read(extensions, span_trim(span_from(line, word + 1)));
    }
}

void smtp_extensions_read(struct span text, struct smtp_extensions *ret)
{
    struct span line;

    *ret = (struct smtp_extensions){ 0 };
    if (!span_split(&text, '\n', &line)) /* the name */
        return;
    for (unsigned n = 0; n < SMTP_KEYWORDS_MAX && span_split(&text, '\n', &line); n++)
        read_keyword(ret, span_trim(line));
}

void smtp_extensions_write(const struct smtp_extensions *extensions, struct buf *out)
{
    for (size_t i = 0; i < COUNT(keywords); i++) {
        if (!smtp_offers(extensions, keywords[i].bit))
            continue;
        buf_addf(out, "\n%s", keywords[i].word);
        if (keywords[i].write)
            keywords[i].write(extensions, out);
    }
}
