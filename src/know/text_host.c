/* Hosts that a text names, and which of them is the server that mail was handed to. */
#include <stdio.h>

#include "base/str.h"
#include "know/profile.h"
#include "know/text_int.h"

#include "base/banned.h"

enum { HOSTS_MOST = 200, HOST_LEAST = 6, NAME_MOST = 253 };

static bool is_host_char(char c)
{
    return str_is_alpha(c) || str_is_digit(c) || c == '.' || c == '-';
}

bool text_next_host(struct scan *scan, struct span *ret_host)
{
    struct span word;

    while (!scan_end(scan)) {
        if (!scan_while(scan, is_host_char, &word)) {
            scan->at++;
            continue;
        }
        while (word.len && word.at[word.len - 1] == '.')
            word.len--;
        if (word.len < HOST_LEAST || word.len > NAME_MOST || span_find(word, '.') == word.len)
            continue;
        *ret_host = word;
        return true;
    }
    return false;
}

/* What people call a server that takes mail: "smtp.example.com", "mail-relay.example.com". */
static bool is_called_so(struct span host)
{
    static const char *const names[] = { "smtp", "mail", "mx", "relay", "submission", "outgoing", "email-smtp" };

    for (size_t i = 0; i < COUNT(names); i++)
        if (span_starts_word(host, names[i]))
            return true;
    return false;
}

/* Part of an address, of a web page, or a name of the program's own ("java.net.ConnectException"). */
static bool is_no_server(struct span text, struct span host)
{
    size_t at = (size_t)(host.at - text.at);
    struct span last = span_from(host, span_find_last(host, '.') + 1);

    if (at > 0 && (text.at[at - 1] == '@' || text.at[at - 1] == '/' || text.at[at - 1] == '_'))
        return true;
    for (size_t i = 0; i < last.len; i++)
        if (!str_is_alpha(last.at[i]) || (last.at[i] >= 'A' && last.at[i] <= 'Z'))
            return true;
    return last.len < 2;
}

/* The port behind a host: "[192.0.2.7]:587", ":587", ", port: 587", " port 587"; 0. */
static uint16_t port_behind(struct span rest)
{
    struct scan scan = scan_of(span_cut(rest, 0, 64));
    struct span ip;
    uint64_t number;

    if (scan_char(&scan, '[') && (!scan_while(&scan, is_host_char, &ip) || !scan_char(&scan, ']')))
        return 0;
    while (scan_char(&scan, ',') || scan_char(&scan, ' ') || scan_char(&scan, '"') || scan_char(&scan, ':') ||
           scan_word(&scan, "port") || scan_char(&scan, '='))
        ;
    return scan_number(&scan, 1, UINT16_MAX, &number) && text_is_mail_port(number) ? (uint16_t)number : 0;
}

bool text_is_mail_port(uint64_t number)
{
    return number == 25 || number == 465 || number == 587 || number == 2525;
}

void text_server(const struct knowledge *know, struct span text, struct text_evidence *found)
{
    struct scan scan = scan_of(text);
    struct span host;
    bool best_is_known = false;

    for (int tried = 0; tried < HOSTS_MOST && text_next_host(&scan, &host); tried++) {
        const struct profile *profile = know_profile_of_host(know, host);
        bool known = profile && profile->kind != PROFILE_BRIDGE;
        if (is_no_server(text, host) || (!known && !is_called_so(host)) || (found->host[0] && (best_is_known || !known)))
            continue;
        snprintf(found->host, sizeof found->host, "%.*s", SPAN_ARG(host));
        found->port = port_behind(scan_rest(&scan));
        best_is_known = known;
    }
    if (found->host[0] && !found->port)
        found->port = found->evidence.port;
}
