#include "support/dialogue.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/scan.h"
#include "base/str.h"
#include "base/alloc.h"

/* Adds bytes with their escapes turned. */
static void add_raw(struct buf *out, struct span text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        if (c == '\\' && i + 1 < text.len) {
            c = text.at[++i];
            c = c == 'r' ? '\r' : c == 'n' ? '\n' : c == '0' ? '\0' : c;
            if (c == 'x' && i + 2 < text.len) {
                char digits[3] = { text.at[i + 1], text.at[i + 2], 0 };
                c = (char)strtoul(digits, NULL, 16);
                i += 2;
            }
        }
        buf_add_char(out, c);
    }
}

/* -- the words of the plan and the message -- */

static const char *keep(struct dialogue *d, struct span value)
{
    size_t at = d->words.len;
    buf_add_span(&d->words, value);
    buf_add_char(&d->words, '\0');
    return d->words.at + at;
}

static struct recipient *last_recipient(struct dialogue *d)
{
    return &d->envelope->recipients[d->envelope->count - 1];
}

static bool set_hello(struct dialogue *d, struct span value)
{
    d->plan.hello = keep(d, value);
    return true;
}

static bool set_security(struct dialogue *d, struct span value)
{
    d->plan.security = span_is(value, "tls")        ? SMTP_SECURITY_TLS
                       : span_is(value, "starttls") ? SMTP_SECURITY_STARTTLS
                                                    : SMTP_SECURITY_NONE;
    return true;
}

static bool set_mechanisms(struct dialogue *d, struct span value)
{
    d->plan.mechanisms = sasl_from_list(value);
    return d->plan.mechanisms != 0;
}

static bool set_credential(struct dialogue *d, struct span value)
{
    d->plan.credential = span_is(value, "token")         ? SASL_TOKEN
                         : span_is(value, "certificate") ? SASL_CERTIFICATE
                                                         : SASL_PASSWORD;
    return true;
}

static bool set_user(struct dialogue *d, struct span value)
{
    d->plan.user = keep(d, value);
    return true;
}

static bool set_secret(struct dialogue *d, struct span value)
{
    buf_clear(&d->secret);
    buf_add_span(&d->secret, value);
    return true;
}

static bool set_long_initial(struct dialogue *d, struct span value)
{
    d->plan.long_initial = span_is(value, "yes");
    return true;
}

static bool set_clear_password(struct dialogue *d, struct span value)
{
    d->plan.clear_password = span_is(value, "yes");
    return true;
}

static bool set_pipelining(struct dialogue *d, struct span value)
{
    d->plan.pipelining = span_is(value, "off")        ? SMTP_PIPELINING_OFF
                         : span_is(value, "commands") ? SMTP_PIPELINING_COMMANDS
                                                      : SMTP_PIPELINING_AUTO;
    return true;
}

static bool set_number(struct span value, uint64_t *ret)
{
    return str_to_u64(value, 0, UINT32_MAX, ret);
}

static bool set_patience(struct dialogue *d, struct span value)
{
    uint64_t number = 0;
    bool good = set_number(value, &number);
    d->plan.patience = (unsigned)number;
    return good;
}

static bool set_binding(struct dialogue *d, struct span value)
{
    d->binding = span_is(value, "yes");
    return true;
}

static bool set_from(struct dialogue *d, struct span value)
{
    return envelope_set_sender(d->envelope, value, NULL);
}

static bool set_to(struct dialogue *d, struct span value)
{
    return envelope_add(d->envelope, value, NULL);
}

static bool set_notify(struct dialogue *d, struct span value)
{
    last_recipient(d)->notify = span_is(value, "never") ? NOTIFY_NEVER
                                                        : NOTIFY_FAILURE | NOTIFY_DELAY;
    return true;
}

static bool set_orcpt(struct dialogue *d, struct span value)
{
    last_recipient(d)->orcpt = str_copy_span(value);
    return true;
}

/* An address that the envelope's own grammar would not have let in. */
static bool set_bad_to(struct dialogue *d, struct span value)
{
    HELD(buf) raw = BUF(1000);
    if (!envelope_add(d->envelope, SPAN("placeholder@example.org"), NULL))
        return false;
    struct recipient *recipient = last_recipient(d);
    add_raw(&raw, value);
    mem_free(recipient->address);
    recipient->address = str_copy_span(buf_span(&raw));
    return true;
}

static bool set_body(struct dialogue *d, struct span value)
{
    d->envelope->body = span_is(value, "8bit")     ? BODY_8BIT
                        : span_is(value, "binary") ? BODY_BINARY
                                                   : BODY_7BIT;
    return true;
}

static bool set_smtputf8(struct dialogue *d, struct span value)
{
    d->envelope->smtputf8 = span_is(value, "yes");
    return true;
}

static bool set_ret(struct dialogue *d, struct span value)
{
    d->envelope->ret = span_is(value, "full") ? RET_FULL : RET_HEADERS;
    return true;
}

static bool set_envid(struct dialogue *d, struct span value)
{
    return envelope_set_envid(d->envelope, value, NULL);
}

static bool set_size(struct dialogue *d, struct span value)
{
    return set_number(value, &d->envelope->size);
}

static bool add_text(struct dialogue *d, struct span value)
{
    buf_add_span(&d->body, value);
    buf_add(&d->body, "\r\n");
    return true;
}

static bool add_raw_text(struct dialogue *d, struct span value)
{
    add_raw(&d->body, value);
    return true;
}

static bool add_fill(struct dialogue *d, struct span value)
{
    uint64_t lines;
    if (!set_number(value, &lines))
        return false;
    while (lines--)
        buf_addf(&d->body, "%098d\r\n", 0);
    return true;
}

static bool set_pieces(struct dialogue *d, struct span value)
{
    uint64_t number = 0;
    bool good = set_number(value, &number);
    d->piece = (size_t)number;
    return good && number > 0;
}

static bool set_transactions(struct dialogue *d, struct span value)
{
    uint64_t number = 0;
    bool good = set_number(value, &number);
    d->transactions = (unsigned)number;
    return good;
}

static bool set_rehearsed(struct dialogue *d, struct span value)
{
    d->rehearsed_last = span_is(value, "last");
    d->rehearsed = d->rehearsed_last || span_is(value, "yes");
    return d->rehearsed;
}

static const struct {
    const char *word;
    bool (*set)(struct dialogue *d, struct span value);
} words[] = {
    { "hello", set_hello },
    { "security", set_security },
    { "mechanisms", set_mechanisms },
    { "credential", set_credential },
    { "user", set_user },
    { "secret", set_secret },
    { "long-initial", set_long_initial },
    { "clear-password", set_clear_password },
    { "pipelining", set_pipelining },
    { "patience", set_patience },
    { "binding", set_binding },
    { "from", set_from },
    { "to", set_to },
    { "bad-to", set_bad_to },
    { "notify", set_notify },
    { "orcpt", set_orcpt },
    { "body", set_body },
    { "smtputf8", set_smtputf8 },
    { "ret", set_ret },
    { "envid", set_envid },
    { "size", set_size },
    { "text", add_text },
    { "raw", add_raw_text },
    { "fill", add_fill },
    { "pieces", set_pieces },
    { "transactions", set_transactions },
    { "rehearsed", set_rehearsed },
};

/* -- events -- */

static const struct {
    const char *text;
    enum event_kind kind;
} plain_events[] = {
    { "(tls)", EVENT_TLS },
    { "(hangs up)", EVENT_HANGS_UP },
    { "(resets)", EVENT_RESETS },
    { "(waits)", EVENT_WAITS },
    { "(no credential)", EVENT_NO_CREDENTIAL },
    { "(no body)", EVENT_NO_BODY },
    { "(quits)", EVENT_QUITS },
};

/* The event for this line; server lines and outcomes in a row become one. */
static struct event *event_for(struct dialogue *d, enum event_kind kind, unsigned line)
{
    struct event *last = d->event_count ? &d->events[d->event_count - 1] : NULL;

    if (last && last->kind == kind && (kind == EVENT_SERVER || kind == EVENT_OUTCOME))
        return last;
    if (d->event_count == EVENTS_MAX)
        return NULL;
    last = &d->events[d->event_count++];
    *last = (struct event){ .kind = kind, .line = line, .text = BUF(1 << 20) };
    return last;
}

static bool read_said(struct dialogue *d, struct span line, unsigned number)
{
    bool server = *line.at == 'S' || *line.at == 's', raw = *line.at == 's' || *line.at == 'c';
    struct span text = span_from(line, line.len > 2 && line.at[2] == ' ' ? 3 : 2);
    struct scan scan = scan_of(text);
    uint64_t octets;

    if (!server && scan_char(&scan, '(') && scan_number(&scan, 1, 1 << 24, &octets) &&
        scan_text(&scan, " octets)")) {
        struct event *event = event_for(d, EVENT_CLIENT_OCTETS, number);
        if (event)
            event->octets = (size_t)octets;
        return event != NULL;
    }
    size_t begins = span_find_text(text, "(anything)");
    enum event_kind kind = server               ? EVENT_SERVER
                           : begins == text.len ? EVENT_CLIENT
                                                : EVENT_CLIENT_BEGINS;
    struct event *event = event_for(d, kind, number);
    if (!event)
        return false;
    if (raw) {
        add_raw(&event->text, text);
    } else {
        buf_add_span(&event->text, server ? text : span_cut(text, 0, begins));
        buf_add(&event->text, kind == EVENT_CLIENT_BEGINS ? "" : "\r\n");
    }
    return true;
}

static bool read_event(struct dialogue *d, struct span line, unsigned number)
{
    if (span_starts(line, "=> ")) {
        struct event *event = event_for(d, EVENT_OUTCOME, number);
        if (!event)
            return false;
        buf_add_span(&event->text, line);
        buf_add_char(&event->text, '\n');
        return true;
    }
    for (size_t i = 0; i < COUNT(plain_events); i++)
        if (span_is(line, plain_events[i].text))
            return event_for(d, plain_events[i].kind, number) != NULL;
    if (line.len >= 2 && line.at[1] == ':' && strchr("SsCc", *line.at))
        return read_said(d, line, number);
    return false;
}

static bool read_line(struct dialogue *d, struct span line, unsigned number)
{
    size_t colon = span_find(line, ':');

    if (!line.len || *line.at == '#')
        return true;
    for (size_t i = 0; i < COUNT(words); i++)
        if (span_is(span_cut(line, 0, colon), words[i].word))
            return words[i].set(d, span_from(line, colon + (line.len > colon + 1 ? 2 : 1)));
    return read_event(d, line, number);
}

static struct dialogue *dialogue_new(const char *path)
{
    struct dialogue *d = calloc(1, sizeof *d);
    const char *slash = strrchr(path, '/');

    d->name = strdup(slash ? slash + 1 : path);
    d->words = (struct buf)BUF(1 << 16);
    d->secret = (struct buf)BUF(1 << 16);
    d->body = (struct buf)BUF(1 << 22);
    (void)buf_room(&d->words, 1 << 14); /* so that the plan's texts stay where they are */
    d->envelope = envelope_new();
    d->piece = SMTP_PIECE_MAX;
    d->transactions = 1;
    d->plan.hello = "me.example.net";
    d->plan.security = SMTP_SECURITY_NONE;
    d->plan.clear_password = true;
    d->plan.user = "me@example.net";
    d->plan.host = "mail.example.org";
    d->plan.port = 587;
    buf_add(&d->secret, "secret");
    return d;
}

struct dialogue *dialogue_read(const char *path)
{
    struct dialogue *d = dialogue_new(path);
    char line[8192];
    unsigned number = 0;
    FILE *file = fopen(path, "r");

    while (file && fgets(line, sizeof line, file)) {
        struct span text = span_of(line);
        if (text.len && text.at[text.len - 1] == '\n')
            text.len--;
        if (read_line(d, text, ++number))
            continue;
        fprintf(stderr, "%s:%u: not understood: %s", path, number, line);
        fclose(file);
        dialogue_free(d);
        return NULL;
    }
    if (!file) {
        perror(path);
        dialogue_free(d);
        return NULL;
    }
    fclose(file);
    return d;
}

void dialogue_free(struct dialogue *dialogue)
{
    for (size_t i = 0; i < dialogue->event_count; i++)
        buf_done(&dialogue->events[i].text);
    buf_done(&dialogue->words);
    buf_done(&dialogue->secret);
    buf_done(&dialogue->body);
    envelope_free(dialogue->envelope);
    free(dialogue->name);
    free(dialogue);
}
