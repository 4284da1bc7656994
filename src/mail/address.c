#include "mail/address_int.h"

#include <arpa/inet.h>

#include "base/alloc.h"
#include "base/str.h"
#include "mail/idn.h"

#include "base/banned.h"

enum { LABEL_MAX = 63 };

static size_t place_of(struct span text, size_t at)
{
    size_t place = 1;

    for (size_t i = 0; i < at && i < text.len; place++) {
        size_t len = str_utf8_len(span_from(text, i));
        i += len ? len : 1;
    }
    return place;
}

bool address_bad(struct err *err, const struct scan *scan, const char *what)
{
    return err_found(err, ERR_DATA, "address:malformed", "at character %zu: %s",
                     place_of(scan->all, scan->at), what);
}

bool address_unexpected(struct err *err, const struct scan *scan, const char *wanted)
{
    unsigned char c = (unsigned char)scan_peek(scan);
    const char *what = wanted;

    if (!scan_end(scan)) {
        what = c == ' ' || c == '\t'              ? "a blank may not stand here"
               : c == '\r' || c == '\n'           ? "a line break may not stand here"
               : c < ' ' || c == 127              ? "a control character may not stand here"
               : c == '.'                         ? "a dot may not stand here"
               : c == ';'                         ? "a semicolon may not stand here; addresses "
                                                    "are separated by commas"
               : strchr("<>()[]:,@\\\"", (char)c) ? NULL
                                                  : wanted;
    }
    if (what)
        return address_bad(err, scan, what);
    return err_found(err, ERR_DATA, "address:malformed", "at character %zu: '%c' may not stand here",
                     place_of(scan->all, scan->at), (char)c);
}

bool address_is_atext(char c)
{
    return str_is_alpha(c) || str_is_digit(c) || (unsigned char)c >= 128 ||
           (c && strchr("!#$%&'*+-/=?^_`{|}~", c));
}

bool address_is_domain_char(char c)
{
    return str_is_alpha(c) || str_is_digit(c) || c == '-' || c == '.' || (unsigned char)c >= 128;
}

/* Valid UTF-8 without a control character or a mark of direction? */
static bool is_clean_utf8(struct span text)
{
    while (text.len) {
        size_t len = str_utf8_len(text);
        bool control = (unsigned char)text.at[0] < ' ' || text.at[0] == 127;
        if (len == 0 || control || (len > 1 && !str_is_safe(span_cut(text, 0, len))))
            return false;
        text = span_from(text, len);
    }
    return true;
}

/* RFC 5322, 3.2.4: a line may be folded inside; what is a local part has nothing of the kind, and
 * address_make() sees to that. */
bool address_quoted_scan(struct scan *scan, struct span *ret_quoted, struct err *err)
{
    size_t start = scan->at++;

    while (!scan_end(scan) && scan_peek(scan) != '"') {
        if (scan_peek(scan) == '\\')
            scan->at++;
        if (scan_end(scan))
            break;
        unsigned char c = (unsigned char)scan_peek(scan);
        if (c == '\r' && (span_starts(scan_rest(scan), "\r\n ") ||
                          span_starts(scan_rest(scan), "\r\n\t")))
            scan->at += 2;
        else if ((c < ' ' && c != '\t') || c == 127)
            return address_unexpected(err, scan, "a control character may not stand here");
        scan->at++;
    }
    if (!scan_char(scan, '"')) {
        scan->at = start;
        return address_bad(err, scan, "this quote is never closed");
    }
    *ret_quoted = span_cut(scan->all, start, scan->at);
    return true;
}

/* RFC 5321, 4.1.2: Local-part = Dot-string / Quoted-string */
static bool local_scan(struct scan *scan, struct span *ret_local, struct err *err)
{
    size_t start = scan->at;
    struct span word;

    if (scan_peek(scan) == '"')
        return address_quoted_scan(scan, ret_local, err);
    do {
        if (!scan_while(scan, address_is_atext, &word))
            return address_unexpected(err, scan, scan->at == start ? "an address is missing"
                                                                   : "a name is missing after the dot");
    } while (scan_char(scan, '.'));
    *ret_local = span_cut(scan->all, start, scan->at);
    return true;
}

static bool literal_is_good(struct span literal)
{
    char text[INET6_ADDRSTRLEN + 1];
    unsigned char address[16];
    bool six = span_starts_word(literal, "[IPv6:");
    struct span inside = span_cut(literal, six ? 6 : 1, literal.len - 1);

    if (literal.len < 3 || literal.at[literal.len - 1] != ']' || inside.len >= sizeof text)
        return false;
    if (memchr(inside.at, '\0', inside.len))
        return false;
    memcpy(text, inside.at, inside.len);
    text[inside.len] = '\0';
    return inet_pton(six ? AF_INET6 : AF_INET, text, address) == 1;
}

/* What is wrong with a domain of ASCII letters, and where; NULL: nothing. */
static const char *labels_fault(struct span domain, size_t *ret_at)
{
    size_t start = 0;

    for (size_t i = 0; i <= domain.len; i++) {
        *ret_at = i;
        bool ends = i == domain.len || domain.at[i] == '.';
        if (!ends && !(address_is_domain_char(domain.at[i]) && (unsigned char)domain.at[i] < 128))
            return "a domain has only letters, digits, hyphens and dots";
        if (!ends)
            continue;
        if (i == start)
            return domain.len == 0 ? "a domain is missing after \"@\""
                   : i == domain.len ? "a domain does not end with a dot"
                                     : "a dot may not stand here";
        if (domain.at[start] == '-' || domain.at[i - 1] == '-')
            return "a hyphen may not begin or end a part of a domain";
        if (i - start > LABEL_MAX)
            return "a part of a domain has at most 63 characters";
        start = i + 1;
    }
    return domain.len > ADDRESS_DOMAIN_MAX ? "a domain has at most 255 characters" : NULL;
}

/* A domain with other letters, in A-labels (RFC 5891, mapped as UTS 46 tells). */
static const char *idn_fault(struct span domain, struct buf *out)
{
    HELD(buf) ascii = BUF(4 * ADDRESS_DOMAIN_MAX);
    const struct idn_engine *engine;
    size_t at = 0;

    if (domain.len > 4 * ADDRESS_DOMAIN_MAX)
        return "a domain has at most 255 characters";
    for (size_t i = 0; i < domain.len; i++)
        if (!address_is_domain_char(domain.at[i]))
            return "a domain has only letters, digits, hyphens and dots";

    char *text = str_copy_span(domain);
    engine = idn_engine(NULL);
    bool good = text && engine && engine->to_ascii(text, &ascii);
    mem_free(text);
    out->full |= !text || ascii.full;
    if (out->full)
        return NULL;
    if (!good)
        return engine ? "this is no valid international domain"
                      : "international domains want a part of this program that is not installed";
    const char *fault = labels_fault(buf_span(&ascii), &at);
    if (!fault)
        buf_add_span(out, buf_span(&ascii));
    return fault;
}

/* Adds the domain as it goes on the wire; tells what is wrong with it, and where, or NULL. */
static const char *domain_fault(struct span domain, struct buf *out, size_t *ret_at)
{
    const char *fault;

    *ret_at = 0;
    if (domain.len && domain.at[0] == '[')
        fault = literal_is_good(domain) ? NULL : "this is no valid address literal";
    else if (!str_is_ascii(domain))
        return is_clean_utf8(domain) ? idn_fault(domain, out) : "this is not valid UTF-8";
    else
        fault = labels_fault(domain, ret_at);
    if (!fault)
        buf_add_span(out, domain);
    return fault;
}

bool address_domain_parse(struct span text, struct buf *out, struct err *err)
{
    struct scan scan = scan_of(text);
    const char *fault = domain_fault(text, out, &scan.at);

    if (fault)
        return address_bad(err, &scan, fault);
    return !out->full || err_no_memory(err);
}

bool address_make(const struct scan *scan, struct span local, struct span domain, size_t domain_at,
                  struct address *ret_address, struct err *err)
{
    HELD(buf) wire = BUF(ADDRESS_LOCAL_MAX + 1 + ADDRESS_DOMAIN_MAX);
    struct scan place = *scan;
    size_t at;

    if (local.len > ADDRESS_LOCAL_MAX || !is_clean_utf8(local)) {
        place.at = domain_at ? domain_at - 1 : 0;
        return address_bad(err, &place, local.len > ADDRESS_LOCAL_MAX
                                            ? "the name before this has more than 64 characters"
                                            : "the name before this has a control character in "
                                              "it, or is not valid UTF-8");
    }
    buf_add_span(&wire, local);
    buf_add_char(&wire, '@');
    const char *fault = domain_fault(domain, &wire, &at);
    if (fault) {
        place.at = domain_at + at;
        return address_bad(err, &place, fault);
    }

    struct address address = { .smtputf8 = !str_is_ascii(local) };
    address.wire = buf_give(&wire);
    address.name = str_copy("");
    if (!address.wire || !address.name) {
        address_done(&address);
        return err_no_memory(err);
    }
    *ret_address = address;
    return true;
}

void address_done(struct address *address)
{
    mem_free(address->wire);
    mem_free(address->name);
    *address = (struct address){ 0 };
}

struct span address_local(const struct address *address)
{
    struct span wire = span_of(address->wire);
    return span_cut(wire, 0, span_find_last(wire, '@'));
}

struct span address_domain(const struct address *address)
{
    struct span wire = span_of(address->wire);
    return span_from(wire, span_find_last(wire, '@') + 1);
}

bool address_same(struct span wire, struct span other_wire)
{
    size_t at = span_find_last(wire, '@');

    return span_equal(span_cut(wire, 0, at), span_cut(other_wire, 0, at)) &&
           span_equal_word(span_from(wire, at), span_from(other_wire, at));
}

/* local@domain, as far as it goes; a bare name where `domain` is given. */
static bool mailbox_scan(struct scan *scan, const char *domain, struct address *ret_address,
                         struct err *err)
{
    struct span local, rest;

    if (!local_scan(scan, &local, err))
        return false;
    if (scan_end(scan) && domain) {
        if (!address_make(scan, local, span_of(domain), scan->at, ret_address, err))
            return false;
        ret_address->qualified = true;
        return true;
    }
    if (!scan_char(scan, '@'))
        return address_unexpected(err, scan, "\"@\" and a domain are missing");

    size_t start = scan->at;
    if (scan_peek(scan) == '[') {
        if (!scan_until(scan, ']', &rest))
            return address_bad(err, scan, "this bracket is never closed");
    } else if (!scan_while(scan, address_is_domain_char, &rest)) {
        return address_unexpected(err, scan, "a domain is missing after \"@\"");
    }
    return address_make(scan, local, span_cut(scan->all, start, scan->at), start, ret_address, err);
}

bool address_parse_bare(struct span text, const char *domain, struct address *ret_address,
                        struct err *err)
{
    struct scan scan = scan_of(text);
    HELD(address) address = { 0 };

    if (!mailbox_scan(&scan, domain, &address, err))
        return false;
    if (!scan_end(&scan))
        return address_unexpected(err, &scan, "a domain has only letters, digits, hyphens and dots");
    *ret_address = address;
    address = (struct address){ 0 };
    return true;
}

bool address_parse(struct span text, struct address *ret_address, struct err *err)
{
    return address_parse_bare(text, NULL, ret_address, err);
}

/*= RFC 5321 4.1.1.3
 *# ... servers MUST be prepared to encounter a list of source routes in the
 *# forward-path, but they SHOULD ignore the routes ...                        */
static bool route_scan(struct scan *scan, struct err *err)
{
    HELD(buf) unused = BUF(ADDRESS_DOMAIN_MAX);
    struct span domain;

    do {
        if (!scan_char(scan, '@') || !scan_while(scan, address_is_domain_char, &domain))
            return address_unexpected(err, scan, "a route has \"@\" and a domain here");
        buf_clear(&unused);
        if (!address_domain_parse(domain, &unused, NULL))
            return address_bad(err, scan, "the domain before this is not valid");
    } while (scan_char(scan, ','));
    return scan_char(scan, ':') || address_unexpected(err, scan, "a colon ends a route");
}

/* A path without an "@": the null sender, or the postmaster of whoever is spoken to. */
static bool special_scan(struct scan *scan, enum path_kind kind, struct address *ret_address)
{
    struct scan ahead = *scan;
    struct address address = { 0 };

    if (kind == PATH_FORWARD && !scan_word(&ahead, "Postmaster"))
        return false;
    struct span word = span_cut(scan->all, scan->at, ahead.at);
    if (!scan_char(&ahead, '>'))
        return false;
    address.wire = str_copy_span(word);
    address.name = str_copy("");
    if (!address.wire || !address.name) {
        address_done(&address);
        return false;
    }
    *scan = ahead;
    *ret_address = address;
    return true;
}

bool address_path_scan(struct scan *scan, enum path_kind kind, struct address *ret_address,
                       struct err *err)
{
    struct scan ahead = *scan;
    HELD(address) address = { 0 };

    if (!scan_char(&ahead, '<'))
        return address_unexpected(err, &ahead, "an address begins with \"<\"");
    if (!special_scan(&ahead, kind, &address)) {
        if (scan_peek(&ahead) == '@' && !route_scan(&ahead, err))
            return false;
        if (!mailbox_scan(&ahead, NULL, &address, err))
            return false;
        if (!scan_char(&ahead, '>'))
            return address_unexpected(err, &ahead, "an address ends with \">\"");
    }
    *scan = ahead;
    *ret_address = address;
    address = (struct address){ 0 };
    return true;
}
