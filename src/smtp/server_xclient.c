/* XCLIENT: a mail proxy in front of us tells for whom it speaks (Postfix's XCLIENT_README). Offered to peers
 * that were named for it and to nobody else; whether they may, and the client they speak for, is asked. */
#include "smtp/server_int.h"

#include "base/alloc.h"
#include "base/str.h"

#include "base/banned.h"

/* An attribute, and where its value goes; size 0: it is read and left. A prefix of the value is cut off. */
static const struct attribute {
    const char *word;
    size_t offset, size;
    const char *prefix;
} attributes[] = {
#define TOLD(member) offsetof(struct smtp_told, member), sizeof((struct smtp_told *)NULL)->member
    { "NAME", TOLD(name), "" },     { "ADDR", TOLD(address), "IPV6:" },
    { "PORT", TOLD(port), "" },     { "HELO", TOLD(hello), "" },
    { "LOGIN", TOLD(login), "" },   { "PROTO", 0, 0, "" },
    { "DESTADDR", 0, 0, "" },       { "DESTPORT", 0, 0, "" },
#undef TOLD
};

static bool is_known(struct span value)
{
    return !span_is_word(value, "[UNAVAILABLE]") && !span_is_word(value, "[TEMPUNAVAIL]");
}

/* One "NAME=xtext". */
static bool read_attribute(struct span text, struct smtp_told *told, unsigned *seen)
{
    HELD(buf) plain = BUF(512);
    size_t equals = span_find(text, '='), i = 0;

    while (i < COUNT(attributes) && !span_is_word(span_cut(text, 0, equals), attributes[i].word))
        i++;
    if (i == COUNT(attributes) || equals == text.len || *seen & 1u << i ||
        !smtp_xtext_read(&plain, span_from(text, equals + 1)) || !str_is_safe(buf_span(&plain)))
        return false;
    *seen |= 1u << i;
    struct span value = buf_span(&plain);
    if (span_starts_word(value, attributes[i].prefix))
        value = span_from(value, strlen(attributes[i].prefix));
    if (!attributes[i].size || !is_known(value))
        return true;
    if (value.len >= attributes[i].size)
        return false;
    if (value.len)
        memcpy((char *)told + attributes[i].offset, value.at, value.len);
    return true;
}

static bool read_told(struct span argument, struct smtp_told *told)
{
    struct span part;
    unsigned seen = 0;

    while (span_split(&argument, ' ', &part))
        if (part.len && !read_attribute(part, told, &seen))
            return false;
    return true;
}

void smtp_server_xclient(struct smtp_server *server, struct span argument, uint64_t now)
{
    (void)now;
    struct smtp_told *told = NEW(smtp_told);

    if (!told) {
        smtp_server_reply(server, 451, "4.3.0", "No memory");
    } else if (!read_told(argument, told)) {
        smtp_server_refuse(server, 501, "5.5.4", "Syntax: XCLIENT <name>=<value> ...");
        mem_free(told);
    } else {
        mem_free(server->told);
        server->told = told;
        smtp_server_ask(server, SMTP_ASK_CLIENT);
    }
}

/* From here on it is as if that client had just called. A refused one is no client at all: what the proxy would
 * say next, it would say for nobody. */
void smtp_server_client_answered(struct smtp_server *server, const struct smtp_answer *answer)
{
    smtp_server_reset(server);
    if (!answer->yes) {
        bool told = answer->code != 0;
        smtp_server_end(server, told ? answer->code : 550, told ? answer->enhanced : "5.7.1",
                        told ? answer->text : "This client may not come in");
        return;
    }
    server->state = SMTP_AT_START;
    server->extended = false;
    buf_done(&server->hello);
    buf_add(&server->user, server->told->login);
    if (server->user.full)
        smtp_server_shut(server, "4.3.0", "No memory");
    else
        smtp_server_greet(server);
}
