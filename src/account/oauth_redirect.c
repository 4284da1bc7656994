#include "account/oauth_redirect.h"

#include "account/oauth_answer.h"
#include "base/form.h"
#include "base/str.h"

#include "base/banned.h"

/* One value, or none; false where it is there twice or is none. */
static bool take(struct span query, const char *key, struct buf *out, bool *ret_there)
{
    enum form_found found = form_value(query, key, out);

    *ret_there = found == FORM_ONE;
    return found == FORM_ONE || found == FORM_NONE;
}

static bool is_ours(const struct oauth_attempt *attempt, struct span query)
{
    HELD(buf) state = BUF(256);

    return form_value(query, "state", &state) == FORM_ONE &&
           str_equal_secret(buf_span(&state), span_of(attempt->state));
}

/*= RFC 9207 2.4
 *# Clients MUST extract the value of the iss parameter from authorization responses they receive if the
 *# parameter is present.  [...] If the value does not match the expected issuer identifier, clients MUST
 *# reject the authorization response and MUST NOT proceed with the authorization grant.  */
static bool check_issuer(const struct oauth_way *way, struct span query, struct err *err)
{
    HELD(buf) issuer = BUF(2048);
    bool there;

    if (take(query, "iss", &issuer, &there) &&
        (there ? oauth_way_is_issuer(way, buf_span(&issuer)) : !way->issuer_due))
        return true;
    return err_found(err, ERR_SIGNIN, "oauth:other-issuer", "the browser came back from another sign-in server "
                                                            "than the one that was asked");
}

static bool take_refusal(const struct oauth_way *way, struct span query, struct err *err)
{
    HELD(buf) error = BUF(256), description = BUF(OAUTH_REDIRECT_MAX);
    bool there, told;

    if (!take(query, "error", &error, &there) || !there ||
        !take(query, "error_description", &description, &told))
        return false;
    oauth_refusal(way, buf_span(&error), buf_span(&description), err);
    return true;
}

enum oauth_redirect oauth_redirect_read(const struct oauth_way *way, const struct oauth_attempt *attempt,
                                        struct span query, struct secret **ret_code, struct err *err)
{
    HELD(buf) code = BUF(OAUTH_REDIRECT_MAX);
    bool has_code;

    if (query.len > OAUTH_REDIRECT_MAX || !is_ours(attempt, query))
        return OAUTH_REDIRECT_FOREIGN;
    if (!take(query, "code", &code, &has_code))
        return OAUTH_REDIRECT_FOREIGN;
    bool refused = take_refusal(way, query, err);
    if (has_code == refused) /* neither, or both */
        return OAUTH_REDIRECT_FOREIGN;
    if (!check_issuer(way, query, err) || refused)
        return OAUTH_REDIRECT_REFUSED;
    struct secret *secret = code.len ? secret_take(&code) : NULL;
    if (!secret)
        return OAUTH_REDIRECT_FOREIGN;
    *ret_code = secret;
    return OAUTH_REDIRECT_CODE;
}

bool oauth_redirect_pasted(struct span text, struct span *ret_query, struct err *err)
{
    text = span_trim(text);
    text = span_cut(text, 0, span_find(text, '#'));
    size_t mark = span_find(text, '?');
    struct span query = mark < text.len ? span_from(text, mark + 1) : text;

    if (span_find_text(query, "state=") == query.len)
        return err_set(err, ERR_USAGE,
                       "that is not the address the browser ended at: the whole line is wanted, "
                       "with \"state=\" in it");
    *ret_query = query;
    return true;
}
