#include "base/str.h"
#include "net/dial.h"

#include "base/banned.h"

/* Takes a host, up to its ':' or the end; in brackets it may hold colons of its own. */
static bool take_host(struct span *rest, char ret_host[DIAL_HOST_MAX])
{
    struct span host = { rest->at, 0 };

    if (span_starts(*rest, "[")) {
        size_t end = span_find(*rest, ']');
        if (end == rest->len || (end + 1 < rest->len && rest->at[end + 1] != ':'))
            return false;
        host = span_cut(*rest, 1, end);
        *rest = span_from(*rest, end + 2);
    } else {
        host = span_cut(*rest, 0, span_find(*rest, ':'));
        *rest = span_from(*rest, host.len + 1);
    }
    if (host.len >= DIAL_HOST_MAX || !str_is_safe(host))
        return false;
    if (host.len)
        memcpy(ret_host, host.at, host.len);
    ret_host[host.len] = '\0';
    return true;
}

static bool take_port(struct span *rest, uint16_t *ret_port)
{
    struct span port = span_cut(*rest, 0, span_find(*rest, ':'));

    *rest = span_from(*rest, port.len + 1);
    *ret_port = 0;
    return port.len == 0 || str_to_u16(port, 1, UINT16_MAX, ret_port);
}

bool dial_detour_parse(struct span text, struct dial_detour *ret_detour, struct err *err)
{
    struct dial_detour detour = { 0 };
    struct span rest = text;

    if (take_host(&rest, detour.host) && take_port(&rest, &detour.port) &&
        take_host(&rest, detour.to_host) && take_port(&rest, &detour.to_port) && !rest.len &&
        span_find(text, ':') < text.len) {
        *ret_detour = detour;
        return true;
    }
    HELD(buf) shown = BUF(1000);
    str_printable(&shown, text, 100);
    return err_set(err, ERR_USAGE, "\"%s\" is not HOST:PORT:HOST2:PORT2", buf_text(&shown));
}

void dial_detour_follow(struct dial_detours detours, const char **host, uint16_t *port)
{
    for (size_t i = 0; i < detours.count; i++) {
        const struct dial_detour *detour = &detours.at[i];
        if ((detour->host[0] && !span_is_word(span_of(detour->host), *host)) ||
            (detour->port && detour->port != *port))
            continue;
        if (detour->to_host[0])
            *host = detour->to_host;
        if (detour->to_port)
            *port = detour->to_port;
        return;
    }
}
