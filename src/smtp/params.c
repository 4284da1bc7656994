#include "smtp/params.h"

#include "base/scan.h"
#include "base/str.h"
#include "mail/address.h"
#include "mail/date.h"
#include "mail/envelope.h"

#include "base/banned.h"

/* -- xtext: RFC 3461, 4 -- */

static bool is_xchar(char c)
{
    return c > ' ' && c < 127 && c != '+' && c != '=';
}

void smtp_xtext_write(struct buf *out, struct span plain)
{
    for (size_t i = 0; i < plain.len; i++) {
        if (is_xchar(plain.at[i]))
            buf_add_char(out, plain.at[i]);
        else
            buf_addf(out, "+%02X", (unsigned char)plain.at[i]);
    }
}

/*= RFC 3461 4
 *# xtext = *( xchar / hexchar ), hexchar = ASCII "+" immediately followed by two upper case
 *# hexadecimal digits                                                                       */
static bool scan_hex(struct scan *scan, unsigned *ret_value)
{
    static const char digits[] = "0123456789ABCDEF";
    const char *found = scan_end(scan) || !scan_peek(scan) ? NULL : strchr(digits, scan_peek(scan));

    if (!found)
        return false;
    *ret_value = *ret_value * 16 + (unsigned)(found - digits);
    scan->at++;
    return true;
}

/* One octet, as it stands or as "+XX". */
static bool scan_xchar(struct scan *scan, unsigned *ret_value)
{
    unsigned value = 0;

    if (scan_end(scan))
        return false;
    if (is_xchar(scan_peek(scan)))
        value = (unsigned char)scan->all.at[scan->at++];
    else if (!scan_char(scan, '+') || !scan_hex(scan, &value) || !scan_hex(scan, &value))
        return false;
    *ret_value = value;
    return value >= ' ' && value != 127;
}

bool smtp_xtext_read(struct buf *out, struct span xtext)
{
    struct scan scan = scan_of(xtext);
    size_t before = out->len;
    bool good = true;
    unsigned value;

    while (good && !scan_end(&scan)) {
        good = scan_xchar(&scan, &value);
        if (good)
            buf_add_char(out, (char)value);
    }
    good = good && !out->full;
    if (!good)
        buf_cut(out, before);
    return good;
}

/* -- words that stand for values -- */

static const struct word {
    const char *word;
    unsigned value;
} bodies[] =
    {
        {"7BIT",       BODY_7BIT  },
        {"8BITMIME",   BODY_8BIT  },
        {"BINARYMIME", BODY_BINARY}
},
  rets[] = {{"FULL", RET_FULL}, {"HDRS", RET_HEADERS}},
  notifies[] = {{"NEVER", NOTIFY_NEVER},
                {"SUCCESS", NOTIFY_SUCCESS},
                {"FAILURE", NOTIFY_FAILURE},
                {"DELAY", NOTIFY_DELAY}};

static bool find_word(const struct word *words, size_t count, struct span word, unsigned *ret_value)
{
    for (size_t i = 0; i < count; i++) {
        if (!span_is_word(word, words[i].word))
            continue;
        *ret_value = words[i].value;
        return true;
    }
    return false;
}

/* -- writing -- */

static bool write_envid(const char *envid, struct buf *out, struct err *err)
{
    if (!str_is_ascii(span_of(envid)) || strlen(envid) > ENVELOPE_ENVID_MAX)
        return err_set(err, ERR_DATA, "the envelope's id is too long or not ASCII");
    buf_add(out, " ENVID=");
    smtp_xtext_write(out, span_of(envid));
    return true;
}

bool smtp_mail_params_write(const struct envelope *envelope,
                            const struct smtp_extensions *extensions, struct buf *out,
                            struct err *err)
{
    if (envelope->size && smtp_offers(extensions, SMTP_SIZE))
        buf_addf(out, " SIZE=%llu", (unsigned long long)envelope->size);
    if (envelope->body != BODY_7BIT)
        buf_addf(out, " BODY=%s", bodies[envelope->body].word);
    if (envelope->smtputf8)
        buf_add(out, " SMTPUTF8");
    if (!smtp_offers(extensions, SMTP_DSN))
        return true;
    if (envelope->ret != RET_UNSAID)
        buf_addf(out, " RET=%s", envelope->ret == RET_FULL ? "FULL" : "HDRS");
    return !envelope->envid || write_envid(envelope->envid, out, err);
}

static void write_notify(unsigned notify, struct buf *out)
{
    const char *before = " NOTIFY=";

    for (size_t i = 0; i < COUNT(notifies); i++) {
        if (!(notify & notifies[i].value))
            continue;
        buf_addf(out, "%s%s", before, notifies[i].word);
        before = ",";
    }
}

/* The type stands as it is, what follows it in xtext: "rfc822;" and an address. */
static bool write_orcpt(const char *orcpt, struct buf *out, struct err *err)
{
    struct span rest = span_of(orcpt);
    size_t type = span_find(rest, ';');

    if (type == 0 || type == rest.len || rest.len > ENVELOPE_ORCPT_MAX || !str_is_ascii(rest))
        return err_set(err, ERR_DATA, "the original recipient is not \"rfc822;address\"");
    for (size_t i = 0; i < type; i++)
        if (!is_xchar(orcpt[i]))
            return err_set(err, ERR_DATA, "the original recipient has a type that is no word");
    buf_addf(out, " ORCPT=%.*s;", (int)type, orcpt);
    smtp_xtext_write(out, span_from(rest, type + 1));
    return true;
}

bool smtp_rcpt_params_write(const struct recipient *recipient,
                            const struct smtp_extensions *extensions, struct buf *out,
                            struct err *err)
{
    if (!smtp_offers(extensions, SMTP_DSN))
        return true;
    write_notify(recipient->notify, out);
    return !recipient->orcpt || write_orcpt(recipient->orcpt, out, err);
}

/* -- reading -- */

/* Where the values go; one struct for both commands, as one loop reads both. */
struct reading {
    const struct smtp_extensions *extensions;
    struct envelope *envelope; /* MAIL's */
    struct smtp_wishes *wishes;
    unsigned *notify;          /* RCPT's */
    struct buf *orcpt;
    struct err *err;
};

/* A parameter: the extension that brings it, and the reader of its value; false is a 501. */
struct param {
    const char *word;
    enum smtp_extension needs;
    bool (*read)(const struct reading *r, struct span value);
};

static bool tell(struct err *err, uint16_t reply, uint16_t subject, uint16_t detail,
                 const char *text)
{
    if (err) {
        err_set(err, ERR_DATA, "%s", text);
        err->reply = reply;
        err->enhanced[0] = 5;
        err->enhanced[1] = subject;
        err->enhanced[2] = detail;
    }
    return false;
}

static bool read_size(const struct reading *r, struct span value)
{
    return str_to_u64(value, 0, UINT64_MAX, &r->envelope->size);
}

static bool read_body(const struct reading *r, struct span value)
{
    unsigned body;

    if (!find_word(bodies, COUNT(bodies), value, &body))
        return false;
    if (body == BODY_BINARY && !smtp_offers(r->extensions, SMTP_BINARYMIME))
        return false;
    r->envelope->body = (enum envelope_body)body;
    return true;
}

static bool read_smtputf8(const struct reading *r, struct span value)
{
    r->envelope->smtputf8 = true;
    return value.at == NULL;
}

static bool read_ret(const struct reading *r, struct span value)
{
    unsigned ret;

    if (!find_word(rets, COUNT(rets), value, &ret))
        return false;
    r->envelope->ret = (enum envelope_ret)ret;
    return true;
}

static bool read_envid(const struct reading *r, struct span value)
{
    HELD(buf) plain = BUF(ENVELOPE_ENVID_MAX);

    return value.len && smtp_xtext_read(&plain, value) &&
           envelope_set_envid(r->envelope, buf_span(&plain), NULL);
}

/* Looked at and left: who submitted first is nothing that a client can tell us (RFC 4954, 5). */
static bool read_auth(const struct reading *r, struct span value)
{
    HELD(buf) plain = BUF(ADDRESS_LOCAL_MAX + ADDRESS_DOMAIN_MAX + 2);

    (void)r;
    return value.len && smtp_xtext_read(&plain, value);
}

static bool read_hold_for(const struct reading *r, struct span value)
{
    uint64_t seconds;

    if (!str_to_u64(value, 1, r->extensions->hold_max, &seconds) || r->wishes->hold_until)
        return false;
    r->wishes->hold_for = (uint32_t)seconds;
    return true;
}

static bool read_hold_until(const struct reading *r, struct span value)
{
    uint64_t most = r->extensions->hold_until_max, until;

    if (!date_read_rfc3339(value, &until) || (most && until > most) || r->wishes->hold_for)
        return false;
    r->wishes->hold_until = until ? until : 1;
    return true;
}

/*= RFC 2852 4
 *# by-value = by-time";"by-mode[by-trace], by-time = ["-" / "+"]1*9digit, by-mode = "N" / "R",
 *# by-trace = "T" */
static bool read_by(const struct reading *r, struct span value)
{
    struct scan scan = scan_of(value);
    bool past = scan_char(&scan, '-');
    uint64_t seconds;

    if (!past)
        scan_char(&scan, '+');
    size_t digits = scan.at;
    if (!scan_number(&scan, 0, 999999999, &seconds) || scan.at - digits > 9 || !scan_char(&scan, ';'))
        return false;
    bool returns = scan_word(&scan, "R");
    if (!returns && !scan_word(&scan, "N"))
        return false;
    r->wishes->by_trace = scan_word(&scan, "T");
    r->wishes->has_by = true;
    r->wishes->by_returns = returns;
    r->wishes->by_time = (int32_t)seconds * (past ? -1 : 1);
    /* What is to come back when it is late must have a chance to be in time. */
    return scan_end(&scan) &&
           (!returns || (r->wishes->by_time > 0 && seconds >= r->extensions->deliver_by_min));
}

static bool read_priority(const struct reading *r, struct span value)
{
    struct scan scan = scan_of(value);
    bool below = scan_char(&scan, '-');
    uint64_t number;

    if (scan_rest(&scan).len != 1 || !scan_number(&scan, below, 9, &number))
        return false;
    r->wishes->priority = (int)number * (below ? -1 : 1);
    return true;
}

static bool read_notify(const struct reading *r, struct span value)
{
    unsigned notify = 0, bit;
    struct span word;

    if (!value.len || value.at[value.len - 1] == ',')
        return false;
    while (span_split(&value, ',', &word)) {
        if (!find_word(notifies, COUNT(notifies), word, &bit) || notify & bit)
            return false;
        notify |= bit;
    }
    *r->notify = notify;
    return !(notify & NOTIFY_NEVER) || notify == NOTIFY_NEVER;
}

static bool read_orcpt(const struct reading *r, struct span value)
{
    size_t type = span_find(value, ';');

    if (type == 0 || type + 1 >= value.len || value.len > ENVELOPE_ORCPT_MAX)
        return false;
    for (size_t i = 0; i < type; i++)
        if (!is_xchar(value.at[i]))
            return false;
    buf_add_span(r->orcpt, span_cut(value, 0, type + 1));
    return smtp_xtext_read(r->orcpt, span_from(value, type + 1));
}

static const struct param mail_params[] = {
    {"SIZE",        SMTP_SIZE,          read_size      },
    {"BODY",        SMTP_8BITMIME,      read_body      },
    {"SMTPUTF8",    SMTP_SMTPUTF8,      read_smtputf8  },
    {"RET",         SMTP_DSN,           read_ret       },
    {"ENVID",       SMTP_DSN,           read_envid     },
    {"AUTH",        SMTP_AUTH,          read_auth      },
    {"HOLDFOR",     SMTP_FUTURERELEASE, read_hold_for  },
    {"HOLDUNTIL",   SMTP_FUTURERELEASE, read_hold_until},
    {"BY",          SMTP_DELIVERBY,     read_by        },
    {"MT-PRIORITY", SMTP_MT_PRIORITY,   read_priority  },
};

static const struct param rcpt_params[] = {
    {"NOTIFY", SMTP_DSN, read_notify},
    {"ORCPT",  SMTP_DSN, read_orcpt },
};

/* One parameter: its row, which must not have been met before. */
static bool read_param(const struct reading *r, const struct param *params, size_t count,
                       struct span text, unsigned *seen)
{
    size_t equals = span_find(text, '=');
    struct span word = span_cut(text, 0, equals);
    struct span value = equals < text.len ? span_from(text, equals + 1) : SPAN_NONE;
    size_t i = 0;

    while (i < count &&
           !(span_is_word(word, params[i].word) && smtp_offers(r->extensions, params[i].needs)))
        i++;
    if (i == count)
        return tell(r->err, 555, 5, 4, "a parameter that is not known here");
    if (*seen & 1u << i)
        return tell(r->err, 501, 5, 4, "a parameter that was said twice");
    *seen |= 1u << i;
    return params[i].read(r, value) || tell(r->err, 501, 5, 4, "a parameter with a bad value");
}

static bool read_params(const struct reading *r, const struct param *params, size_t count,
                        struct span text)
{
    struct span param;
    unsigned seen = 0;

    if (text.len && *text.at == ' ')
        text = span_from(text, 1);
    while (span_split(&text, ' ', &param))
        if (!read_param(r, params, count, param, &seen))
            return false;
    return true;
}

bool smtp_mail_params_read(struct span text, const struct smtp_extensions *extensions,
                           struct envelope *envelope, struct smtp_wishes *wishes, struct err *err)
{
    struct reading r = {
        .extensions = extensions, .envelope = envelope, .wishes = wishes, .err = err,
    };

    *wishes = (struct smtp_wishes){ 0 };
    if (!read_params(&r, mail_params, COUNT(mail_params), text))
        return false;
    /* A report that nobody asked for waits for no date (RFC 4865, 4). */
    if (!*envelope->sender && (wishes->hold_for || wishes->hold_until))
        return tell(err, 501, 5, 4, "a message without a sender can't be held");
    if (extensions->size && envelope->size > extensions->size)
        return tell(err, 552, 3, 4, "the message is larger than what is taken here");
    return true;
}

bool smtp_rcpt_params_read(struct span text, const struct smtp_extensions *extensions,
                           unsigned *ret_notify, struct buf *orcpt, struct err *err)
{
    unsigned notify = 0;
    struct reading r = {.extensions = extensions, .notify = &notify, .orcpt = orcpt, .err = err};

    if (!read_params(&r, rcpt_params, COUNT(rcpt_params), text))
        return false;
    *ret_notify = notify;
    return true;
}
