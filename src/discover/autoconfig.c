#include "discover/autoconfig.h"

#include <expat.h>

#include "base/alloc.h"
#include "base/str.h"

#include "base/banned.h"

enum { WORD_MAX = 512 };

/* clientConfig > emailProvider > outgoingServer > one of the leaves. */
enum { DEPTH_ROOT = 1, DEPTH_PROVIDER = 2, DEPTH_SERVER = 3, DEPTH_LEAF = 4 };

struct reader {
    XML_Parser parser;
    struct span address;
    struct autoconfig *found;
    const char *stopped; /* why we stopped reading; NULL: we did not */
    unsigned depth;
    unsigned path;            /* how many of the elements around us are the ones above */
    struct candidate server;  /* the one being read */
    bool has_security, sasl;  /* sasl: the <authentication> being read names a mechanism */
    struct buf text;          /* of the leaf being read */
};

static void stop(struct reader *reader, const char *why)
{
    if (!reader->stopped)
        reader->stopped = why;
    XML_StopParser(reader->parser, XML_FALSE);
}

/* ---- what a leaf says ---- */

/* "%EMAILLOCALPART%.example" with the address put in, once: what comes in is not looked at again. */
static void fill(struct buf *out, struct span text, struct span address)
{
    size_t at_sign = span_find_last(address, '@');
    const struct {
        const char *name;
        struct span value;
    } places[] = {
        { "%EMAILADDRESS%", address },
        { "%EMAILLOCALPART%", span_cut(address, 0, at_sign) },
        { "%EMAILDOMAIN%", span_from(address, at_sign + 1) },
    };

    while (text.len) {
        size_t i = 0;
        while (i < COUNT(places) && !span_starts(text, places[i].name))
            i++;
        if (i < COUNT(places)) {
            buf_add_span(out, places[i].value);
            text = span_from(text, strlen(places[i].name));
        } else {
            buf_add_char(out, text.at[0]);
            text = span_from(text, 1);
        }
    }
}

/* Fills and keeps a text, or leaves the field empty where it does not fit. */
static void keep(struct reader *reader, struct span text, char *field, size_t room)
{
    HELD(buf) filled = BUF(room - 1);

    fill(&filled, text, reader->address);
    if (!filled.full)
        memcpy(field, buf_text(&filled), filled.len + 1);
}

static void read_host(struct reader *reader, struct span text)
{
    keep(reader, text, reader->server.host, sizeof reader->server.host);
}

static void read_username(struct reader *reader, struct span text)
{
    if (str_is_safe(text))
        keep(reader, text, reader->server.username, sizeof reader->server.username);
}

static void read_port(struct reader *reader, struct span text)
{
    if (!str_to_u16(text, 1, UINT16_MAX, &reader->server.port))
        reader->server.port = 0;
}

static void read_socket_type(struct reader *reader, struct span text)
{
    static const struct {
        const char *word;
        enum security security;
    } types[] = {
        { "SSL", SECURITY_TLS },
        { "STARTTLS", SECURITY_STARTTLS },
        { "plain", SECURITY_NONE },
    };

    for (size_t i = 0; i < COUNT(types); i++) {
        if (span_is_word(text, types[i].word)) {
            reader->server.security = types[i].security;
            reader->has_security = true;
        }
    }
}

/* What is not here (NTLM, GSSAPI, smtp-after-POP, a client certificate) we can't do. */
static void read_authentication(struct reader *reader, struct span text)
{
    static const struct {
        const char *word;
        bool sasl;
        enum candidate_auth auth;
    } words[] = {
        { "password-cleartext", false, CANDIDATE_PASSWORD },
        { "password-encrypted", false, CANDIDATE_PASSWORD },
        { "OAuth2", false, CANDIDATE_OAUTH },
        { "OAuth", false, CANDIDATE_OAUTH },
        { "client-IP-address", false, CANDIDATE_NONE },
        { "none", false, CANDIDATE_NONE },
        { "PLAIN", true, CANDIDATE_PASSWORD },
        { "LOGIN", true, CANDIDATE_PASSWORD },
        { "CRAM-MD5", true, CANDIDATE_PASSWORD },
        { "SCRAM-SHA-1", true, CANDIDATE_PASSWORD },
        { "SCRAM-SHA-1-PLUS", true, CANDIDATE_PASSWORD },
        { "SCRAM-SHA-256", true, CANDIDATE_PASSWORD },
        { "SCRAM-SHA-256-PLUS", true, CANDIDATE_PASSWORD },
        { "XOAUTH2", true, CANDIDATE_OAUTH },
        { "OAUTHBEARER", true, CANDIDATE_OAUTH },
    };

    for (size_t i = 0; i < COUNT(words); i++)
        if (words[i].sasl == reader->sasl && span_is_word(text, words[i].word))
            candidate_add_auth(&reader->server, words[i].auth);
}

static const struct {
    const char *name;
    void (*read)(struct reader *reader, struct span text);
} leaves[] = {
    { "hostname", read_host },
    { "port", read_port },
    { "socketType", read_socket_type },
    { "username", read_username },
    { "authentication", read_authentication },
};

static void end_server(struct reader *reader)
{
    const struct candidate *server = &reader->server;

    if (server->host[0] && server->port && reader->has_security && server->auth_count &&
        reader->found->count < AUTOCONFIG_SERVERS_MAX)
        reader->found->at[reader->found->count++] = *server;
}

/* ---- what expat tells ---- */

static bool attribute_is(const XML_Char **attributes, const char *name, const char *value)
{
    for (; attributes[0]; attributes += 2)
        if (!strcmp(attributes[0], name))
            return span_is_word(span_of(attributes[1]), value);
    return false;
}

static bool on_path(unsigned depth, const XML_Char *name, const XML_Char **attributes)
{
    switch (depth) {
    case DEPTH_ROOT:
        return !strcmp(name, "clientConfig");
    case DEPTH_PROVIDER:
        return !strcmp(name, "emailProvider");
    case DEPTH_SERVER:
        return !strcmp(name, "outgoingServer") && attribute_is(attributes, "type", "smtp");
    default:
        return depth == DEPTH_LEAF;
    }
}

static void XMLCALL begin_element(void *data, const XML_Char *name, const XML_Char **attributes)
{
    struct reader *reader = data;

    if (++reader->depth > AUTOCONFIG_DEPTH_MAX) {
        stop(reader, "it is nested too deep");
        return;
    }
    if (reader->path + 1 == reader->depth && on_path(reader->depth, name, attributes))
        reader->path++;
    else if (reader->depth == DEPTH_ROOT)
        stop(reader, "it is not a clientConfig");

    if (reader->path == DEPTH_SERVER && reader->depth == DEPTH_SERVER) {
        reader->server = (struct candidate){ 0 };
        reader->has_security = false;
    }
    if (reader->path == DEPTH_LEAF && reader->depth == DEPTH_LEAF) {
        reader->sasl = attribute_is(attributes, "system", "sasl");
        buf_clear(&reader->text);
    }
}

static void XMLCALL end_element(void *data, const XML_Char *name)
{
    struct reader *reader = data;

    if (reader->path == reader->depth) {
        if (reader->depth == DEPTH_LEAF && !reader->text.full)
            for (size_t i = 0; i < COUNT(leaves); i++)
                if (!strcmp(name, leaves[i].name))
                    leaves[i].read(reader, span_trim(buf_span(&reader->text)));
        if (reader->depth == DEPTH_SERVER)
            end_server(reader);
        reader->path--;
    }
    reader->depth--;
}

static void XMLCALL some_text(void *data, const XML_Char *text, int len)
{
    struct reader *reader = data;

    if (reader->path == DEPTH_LEAF && reader->depth == DEPTH_LEAF && len > 0)
        buf_add_span(&reader->text, (struct span){ text, (size_t)len });
}

/* Entities, outside files, sizes that grow without end: all of them begin with a document type, and no
 * settings file needs one. */
static void XMLCALL begin_doctype(void *data, const XML_Char *name, const XML_Char *system,
                                  const XML_Char *public, int has_subset)
{
    (void)name, (void)system, (void)public, (void)has_subset;
    stop(data, "it has a document type");
}

static void *xml_new(size_t size)
{
    return mem_new(size);
}

static void *xml_resize(void *at, size_t size)
{
    return mem_resize(at, size, 1);
}

static bool read_all(struct reader *reader, struct span xml, struct err *err)
{
    XML_SetUserData(reader->parser, reader);
    XML_SetElementHandler(reader->parser, begin_element, end_element);
    XML_SetCharacterDataHandler(reader->parser, some_text);
    XML_SetStartDoctypeDeclHandler(reader->parser, begin_doctype);
    if (XML_Parse(reader->parser, xml.at ? xml.at : "", (int)xml.len, XML_TRUE) == XML_STATUS_OK)
        return true;
    if (reader->stopped)
        return err_set(err, ERR_PROTOCOL, "not read, for %s", reader->stopped);
    if (XML_GetErrorCode(reader->parser) == XML_ERROR_NO_MEMORY)
        return err_no_memory(err);
    return err_set(err, ERR_PROTOCOL, "not XML: line %lu: %s",
                   (unsigned long)XML_GetCurrentLineNumber(reader->parser),
                   XML_ErrorString(XML_GetErrorCode(reader->parser)));
}

bool autoconfig_parse(struct span xml, struct span address, struct autoconfig *ret_autoconfig,
                      struct err *err)
{
    static const XML_Memory_Handling_Suite memory = { xml_new, xml_resize, mem_free };
    struct autoconfig found = { 0 };
    struct reader reader = { .address = address, .found = &found, .text = BUF(WORD_MAX) };

    if (xml.len > AUTOCONFIG_MAX)
        return err_set(err, ERR_LIMIT, "larger than %d KB", AUTOCONFIG_MAX / 1024);
    reader.parser = XML_ParserCreate_MM(NULL, &memory, NULL);
    if (!reader.parser)
        return err_no_memory(err);

    bool ok = read_all(&reader, xml, err);
    XML_ParserFree(reader.parser);
    buf_done(&reader.text);
    if (ok)
        *ret_autoconfig = found;
    return ok;
}
