#include "net/url.h"

#include "base/str.h"

#include "base/banned.h"

static bool is_graphic(struct span text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.at[i] <= ' ' || text.at[i] > '~')
            return false;
    return true;
}

/* How long HOST[:PORT] is: up to the first of "/?#". A backslash ends nothing: no host has one. */
static size_t authority_len(struct span rest)
{
    size_t len = 0;

    while (len < rest.len && rest.at[len] != '/' && rest.at[len] != '?' && rest.at[len] != '#')
        len++;
    return len;
}

static bool read_authority(struct span text, struct url *url)
{
    struct span host = text, port = SPAN_NONE;
    size_t colon = span_find_last(text, ':');
    struct ip ip;

    if (colon < text.len && span_find(span_from(text, colon), ']') == text.len - colon) {
        host = span_cut(text, 0, colon);
        port = span_from(text, colon + 1);
        if (port.len && !str_to_u16(port, 1, UINT16_MAX, &url->port))
            return false;
    }
    bool bracketed = span_starts(host, "[");
    if (bracketed ? !ip_parse(host, &ip) : !host_is_name(host))
        return false;
    if (bracketed)
        host = span_cut(host, 1, host.len - 1);
    for (size_t i = 0; i < host.len; i++)
        url->host[i] = str_lower(host.at[i]);
    return true;
}

/* The scheme's length; 0: it is none that is wanted. */
static size_t scheme_len(struct span text, bool may_be_plain, struct url *url)
{
    static const char secure[] = "https://", plain[] = "http://";

    url->plain = may_be_plain && span_starts_word(text, plain);
    url->port = url->plain ? URL_PLAIN_PORT : URL_PORT;
    if (url->plain)
        return sizeof plain - 1;
    return span_starts_word(text, secure) ? sizeof secure - 1 : 0;
}

static bool parse(struct span text, bool may_be_plain, struct url *ret_url, struct err *err)
{
    const char *kind = may_be_plain ? "http" : "https";
    struct url url = { 0 };
    size_t scheme = scheme_len(text, may_be_plain, &url);

    if (text.len > URL_MAX || !is_graphic(text) || !scheme)
        return err_set(err, ERR_PROTOCOL, "not an %s URL", kind);

    struct span rest = span_from(text, scheme);
    size_t len = authority_len(rest);
    if (!read_authority(span_cut(rest, 0, len), &url))
        return err_set(err, ERR_PROTOCOL, "not a host in an %s URL", kind);

    rest = span_from(rest, len);
    url.target = span_cut(rest, 0, span_find(rest, '#'));
    if (!span_starts(url.target, "/")) /* "https://host" and "https://host?query" */
        url.target = url.target.len ? url.target : SPAN("/");
    *ret_url = url;
    return true;
}

bool url_parse(struct span text, struct url *ret_url, struct err *err)
{
    return parse(text, false, ret_url, err);
}

bool url_parse_plain(struct span text, struct url *ret_url, struct err *err)
{
    return parse(text, true, ret_url, err);
}
