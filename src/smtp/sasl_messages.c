/* Messages of sign-ins, written and read: SCRAM as far as we look into it, PLAIN, the bearers. */
#include "base/scan.h"
#include "base/str.h"
#include "smtp/sasl_int.h"

#include "base/banned.h"

bool sasl_is_text(struct span text)
{
    for (size_t i = 0; i < text.len; i++) {
        if ((unsigned char)text.at[i] < 32 || text.at[i] == 127)
            return false;
    }
    return str_is_utf8(text);
}

static bool bad(struct err *err, const char *what)
{
    return err_set(err, ERR_PROTOCOL, "%s", what);
}

/* "x=value" at the cursor, to the next comma or the end. */
static bool scram_attribute(struct scan *scan, const char *name, struct span *ret_value)
{
    if (!scan_text(scan, name))
        return false;
    if (!scan_until(scan, ',', ret_value)) {
        *ret_value = scan_rest(scan);
        scan->at = scan->all.len;
    }
    return true;
}

bool scram_read_challenge(struct span text, struct span our_nonce,
                          struct scram_challenge *ret_challenge, struct err *err)
{
    struct scan scan = scan_of(text);
    struct span nonce, salt, count;
    uint64_t iterations;

    /*= RFC 5802 5.1
     *# m: This attribute is reserved for future extensibility. In this version of SCRAM, its
     *# presence in a client or a server message MUST cause authentication failure when the
     *# attribute is parsed by the other end.  */
    if (span_starts(text, "m="))
        return bad(err, "the server asks for a SCRAM extension that nobody knows");
    if (!scram_attribute(&scan, "r=", &nonce) || !scram_attribute(&scan, "s=", &salt) ||
        !scram_attribute(&scan, "i=", &count))
        return bad(err, "the server's SCRAM challenge lacks nonce, salt or count");
    if (nonce.len <= our_nonce.len || !span_equal(span_cut(nonce, 0, our_nonce.len), our_nonce))
        return bad(err, "the server's SCRAM nonce doesn't continue ours");
    if (!salt.len)
        return bad(err, "the server's SCRAM salt is empty");
    if (!str_to_u64(count, SASL_ITERATIONS_MIN, SASL_ITERATIONS_MAX, &iterations))
        return bad(err, "the server's SCRAM iteration count is not within 4096 to 1000000");
    *ret_challenge = (struct scram_challenge){ salt, (uint32_t)iterations };
    return true;
}

/* What follows the two commas of the GS2 header: "n,," "y,a=me," "p=tls-exporter,,". */
static bool after_gs2(struct scan *scan, struct span *ret_authzid)
{
    struct span flag;

    return scan_until(scan, ',', &flag) &&
           (span_is(flag, "n") || span_is(flag, "y") || span_starts(flag, "p=")) &&
           scan_until(scan, ',', ret_authzid) &&
           (ret_authzid->len == 0 || span_starts(*ret_authzid, "a="));
}

struct span scram_nonce(struct span client_first)
{
    struct scan scan = scan_of(client_first);
    struct span authzid, user, nonce = SPAN_NONE;

    if (after_gs2(&scan, &authzid) && scram_attribute(&scan, "n=", &user))
        (void)scram_attribute(&scan, "r=", &nonce);
    return nonce;
}

/* RFC 5801's saslname: a comma is "=2C", an equals sign "=3D", and no other escape there is. */
static bool saslname_read(struct span name, struct buf *plain)
{
    struct scan scan = scan_of(name);
    struct span run;

    while (scan_until(&scan, '=', &run)) {
        buf_add_span(plain, run);
        if (scan_text(&scan, "2C"))
            buf_add_char(plain, ',');
        else if (scan_text(&scan, "3D"))
            buf_add_char(plain, '=');
        else
            return false;
    }
    buf_add_span(plain, scan_rest(&scan));
    return !plain->full && sasl_is_text(buf_span(plain));
}

static void saslname_write(struct buf *out, struct span plain)
{
    for (size_t i = 0; i < plain.len; i++) {
        if (plain.at[i] == ',')
            buf_add(out, "=2C");
        else if (plain.at[i] == '=')
            buf_add(out, "=3D");
        else
            buf_add_char(out, plain.at[i]);
    }
}

bool scram_read_user(struct span client_first, struct buf *user, struct err *err)
{
    struct scan scan = scan_of(client_first);
    struct span authzid, name;

    if (!after_gs2(&scan, &authzid) || !scram_attribute(&scan, "n=", &name) || !name.len ||
        !saslname_read(name, user))
        return bad(err, "no SCRAM message");
    if (authzid.len && !span_equal(span_from(authzid, 2), name))
        return bad(err, "one user can't act for another");
    return true;
}

bool plain_read(struct span text, struct span *ret_user, struct span *ret_password, struct err *err)
{
    struct scan scan = scan_of(text);
    struct span authzid, user;

    if (!scan_until(&scan, '\0', &authzid) || !scan_until(&scan, '\0', &user))
        return bad(err, "no PLAIN message");
    struct span password = scan_rest(&scan);
    if (!user.len || !password.len || !sasl_is_text(user) || !sasl_is_text(password))
        return bad(err, "no PLAIN message");
    if (authzid.len && !span_equal(authzid, user))
        return bad(err, "one user can't act for another");
    *ret_user = user;
    *ret_password = password;
    return true;
}

void xoauth2_write(struct buf *out, const struct bearer *bearer)
{
    buf_add(out, "user=");
    buf_add_span(out, bearer->user);
    buf_add(out, "\1auth=Bearer ");
    buf_add_span(out, bearer->token);
    buf_add(out, "\1\1");
}

static bool token_read(struct span value, struct span *ret_token)
{
    struct scan scan = scan_of(value);

    if (!scan_word(&scan, "bearer "))
        return false;
    scan_blanks(&scan);
    *ret_token = scan_rest(&scan);
    return ret_token->len > 0 && sasl_is_text(*ret_token);
}

bool xoauth2_read(struct span text, struct bearer *ret_bearer, struct err *err)
{
    struct scan scan = scan_of(text);
    struct span user, value, token;

    if (!scan_text(&scan, "user=") || !scan_until(&scan, '\1', &user) || !user.len ||
        !sasl_is_text(user) || !scan_text(&scan, "auth=") || !scan_until(&scan, '\1', &value) ||
        !token_read(value, &token) || !scan_char(&scan, '\1') || !scan_end(&scan))
        return bad(err, "no XOAUTH2 message");
    *ret_bearer = (struct bearer){ user, token };
    return true;
}

void oauthbearer_write(struct buf *out, const struct bearer *bearer, struct span host,
                       uint16_t port)
{
    buf_add(out, "n,a=");
    saslname_write(out, bearer->user);
    buf_add(out, ",\1");
    if (host.len) {
        buf_add(out, "host=");
        buf_add_span(out, host);
        buf_add(out, "\1");
    }
    if (port)
        buf_addf(out, "port=%u\1", port);
    buf_add(out, "auth=Bearer ");
    buf_add_span(out, bearer->token);
    buf_add(out, "\1\1");
}

bool oauthbearer_read(struct span text, struct buf *user, struct bearer *ret_bearer,
                      struct err *err)
{
    struct scan scan = scan_of(text);
    struct span authzid, pair, token = SPAN_NONE;
    bool ended = false;

    if (span_starts(text, "p=") || !after_gs2(&scan, &authzid) ||
        (authzid.len && !saslname_read(span_from(authzid, 2), user)) || !scan_char(&scan, '\1'))
        return bad(err, "no OAUTHBEARER message");
    while (!ended && scan_until(&scan, '\1', &pair)) {
        if (pair.len == 0)
            ended = true;
        else if (span_starts(pair, "auth=") &&
                 (token.len || !token_read(span_from(pair, 5), &token)))
            return bad(err, "no OAUTHBEARER message");
    }
    if (!ended || !scan_end(&scan) || !token.len)
        return bad(err, "no OAUTHBEARER message");
    *ret_bearer = (struct bearer){ buf_span(user), token };
    return true;
}

enum { ERROR_VALUE_MAX = 256 };

/* A JSON string whose opening quote was taken; a backslash goes, what it escapes stays. */
static bool json_string(struct scan *scan, struct buf *text, struct span *ret_text)
{
    size_t from = text->len;

    while (!scan_char(scan, '"')) {
        (void)scan_char(scan, '\\');
        if (scan_end(scan))
            return false;
        if (text->len - from < ERROR_VALUE_MAX)
            buf_add_char(text, scan_peek(scan));
        scan->at++;
    }
    *ret_text = span_from(buf_span(text), from);
    return true;
}

static bool is_bare(char c)
{
    return str_is_digit(c) || str_is_alpha(c) || c == '.' || c == '-' || c == '+';
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void blanks(struct scan *scan)
{
    struct span run;

    (void)scan_while(scan, is_blank, &run);
}

static bool json_value(struct scan *scan, struct buf *text, struct span *ret_value)
{
    struct span bare;

    blanks(scan);
    if (scan_char(scan, '"'))
        return json_string(scan, text, ret_value);
    if (!scan_while(scan, is_bare, &bare))
        return false;
    size_t from = text->len;
    buf_add_span(text, span_cut(bare, 0, ERROR_VALUE_MAX));
    *ret_value = span_from(buf_span(text), from);
    return true;
}

void bearer_error_read(struct span json, struct buf *text, struct sasl_bearer_error *ret_error)
{
    struct scan scan = scan_of(json);
    struct {
        const char *name;
        size_t from, len;
    } members[] = { { "status", 0, 0 }, { "scope", 0, 0 }, { "schemes", 0, 0 } };
    struct span name, value;

    blanks(&scan);
    for (bool more = scan_char(&scan, '{'); more; more = scan_char(&scan, ',')) {
        blanks(&scan);
        if (!scan_char(&scan, '"') || !json_string(&scan, text, &name))
            break;
        size_t which = 0;
        while (which < COUNT(members) && !span_is(name, members[which].name))
            which++;
        buf_cut(text, text->len - name.len);
        blanks(&scan);
        size_t from = text->len;
        if (!scan_char(&scan, ':') || !json_value(&scan, text, &value))
            break;
        if (which < COUNT(members)) {
            members[which].from = from;
            members[which].len = value.len;
        } else {
            buf_cut(text, from);
        }
        blanks(&scan);
    }
    struct span all = buf_span(text);
    ret_error->status = span_cut(all, members[0].from, members[0].from + members[0].len);
    ret_error->scope = span_cut(all, members[1].from, members[1].from + members[1].len);
    ret_error->schemes = span_cut(all, members[2].from, members[2].from + members[2].len);
}
