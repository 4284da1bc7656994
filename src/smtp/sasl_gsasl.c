/* GNU SASL's face to us: one side of SCRAM or CRAM-MD5, and the salting of a password. A module. */
#include <gsasl.h>

#include "base/alloc.h"
#include "base/base64.h"
#include "base/str.h"
#include "smtp/sasl_engine.h"

#include "base/banned.h"

struct exchange {
    struct sasl_exchange face;
    Gsasl *library;
    Gsasl_session *session;
};

enum form { AS_IS, HEX, BASE64 };

static const struct {
    Gsasl_property property;
    enum form form;
} properties[] = {
    [SASL_PROPERTY_USER]       = { GSASL_AUTHID, AS_IS },
    [SASL_PROPERTY_PASSWORD]   = { GSASL_PASSWORD, AS_IS },
    [SASL_PROPERTY_SALTED]     = { GSASL_SCRAM_SALTED_PASSWORD, HEX },
    [SASL_PROPERTY_SALT]       = { GSASL_SCRAM_SALT, BASE64 },
    [SASL_PROPERTY_STORED_KEY] = { GSASL_SCRAM_STOREDKEY, BASE64 },
    [SASL_PROPERTY_SERVER_KEY] = { GSASL_SCRAM_SERVERKEY, BASE64 },
    [SASL_PROPERTY_BINDING]    = { GSASL_CB_TLS_EXPORTER, BASE64 },
    [SASL_PROPERTY_ITERATIONS] = { GSASL_SCRAM_ITER, AS_IS },
};

static bool failed(struct err *err, int code)
{
    if (code == GSASL_MALLOC_ERROR)
        return err_no_memory(err);
    return err_set(err, ERR_PROTOCOL, "%s", gsasl_strerror(code));
}

_Static_assert(GSASL_HASH_SHA1_SIZE == 20 && GSASL_HASH_SHA256_SIZE == 32, "as sasl_key_len() says");

__attribute__((visibility("default"))) extern const struct sasl_engine outpost_sasl;

static void exchange_free(struct exchange *exchange);
OWNED(exchange);

static struct exchange *exchange_of(struct sasl_exchange *exchange)
{
    return (struct exchange *)exchange; /* its first member */
}

static bool face_new(enum sasl_mechanism mechanism, bool is_server,
                     struct sasl_exchange **ret_exchange, struct err *err)
{
    OWN(exchange) exchange = NEW(exchange);

    if (!exchange)
        return err_no_memory(err);
    exchange->face.engine = &outpost_sasl;
    int code = gsasl_init(&exchange->library);
    if (code == GSASL_OK)
        code = (is_server ? gsasl_server_start : gsasl_client_start)(
            exchange->library, sasl_name(mechanism), &exchange->session);
    if (code != GSASL_OK)
        return failed(err, code);
    *ret_exchange = &GIVE(exchange)->face;
    return true;
}

/* GNU SASL frees its copies of passwords as they are. They are ours to lend, so we wipe them. */
static void wipe_property(Gsasl_session *session, Gsasl_property property)
{
    const char *copy = gsasl_property_fast(session, property);

    if (copy)
        str_wipe((char *)(uintptr_t)copy, strlen(copy));
}

static void exchange_free(struct exchange *exchange)
{
    if (!exchange)
        return;
    if (exchange->session) {
        wipe_property(exchange->session, GSASL_PASSWORD);
        wipe_property(exchange->session, GSASL_SCRAM_SALTED_PASSWORD);
        wipe_property(exchange->session, GSASL_SCRAM_STOREDKEY);
        wipe_property(exchange->session, GSASL_SCRAM_SERVERKEY);
        gsasl_finish(exchange->session);
    }
    if (exchange->library)
        gsasl_done(exchange->library);
    mem_free(exchange);
}

static void face_free(struct sasl_exchange *exchange)
{
    exchange_free(exchange_of(exchange));
}

static void add_in_form(struct buf *out, enum form form, struct span value)
{
    if (form == AS_IS)
        buf_add_span(out, value);
    else if (form == BASE64)
        base64_encode(out, value);
    else
        for (size_t i = 0; i < value.len; i++)
            buf_addf(out, "%02x", (unsigned)(unsigned char)value.at[i]);
}

static bool face_set(struct sasl_exchange *exchange, enum sasl_property property, struct span value,
                     struct err *err)
{
    HELD(buf) text = BUF(SECRET_MAX);

    add_in_form(&text, properties[property].form, value);
    if (text.full)
        return err_no_memory(err);
    int code = gsasl_property_set_raw(exchange_of(exchange)->session, properties[property].property,
                                      buf_text(&text), text.len);
    return code == GSASL_OK || failed(err, code);
}

static enum sasl_step face_step(struct sasl_exchange *exchange, struct span in, struct buf *out,
                                struct err *err)
{
    char *message = NULL;
    size_t len = 0;
    /* GNU SASL takes lengths, but stops at a NUL here and there: nothing it reads may hold one. */
    if (span_find(in, '\0') != in.len) {
        (void)err_set(err, ERR_PROTOCOL, "a NUL in a sign-in message");
        return SASL_STEP_BROKEN;
    }
    HELD(buf) input = BUF(SASL_STEP_MAX);
    buf_add_span(&input, in);

    int code = gsasl_step(exchange_of(exchange)->session, buf_text(&input), input.len, &message, &len);
    if (code == GSASL_OK || code == GSASL_NEEDS_MORE)
        buf_add_span(out, (struct span){ message, message ? len : 0 });
    if (message) {
        str_wipe(message, len);
        gsasl_free(message);
    }
    if (input.full || out->full) {
        (void)err_no_memory(err);
        return SASL_STEP_BROKEN;
    }
    if (code == GSASL_OK || code == GSASL_NEEDS_MORE)
        return code == GSASL_OK ? SASL_STEP_DONE : SASL_STEP_MORE;
    (void)failed(err, code);
    return code == GSASL_AUTHENTICATION_ERROR ? SASL_STEP_WRONG : SASL_STEP_BROKEN;
}

static bool face_salt(const struct sasl_salting *how, const char *password, struct buf *ret_key)
{
    size_t len = sasl_key_len(how->hash);
    char *salted = buf_room(ret_key, len);
    char client_key[SASL_KEY_MAX], server_key[SASL_KEY_MAX], stored_key[SASL_KEY_MAX];

    if (!salted)
        return false;
    int code = gsasl_scram_secrets_from_password(
        how->hash == SASL_SHA_1 ? GSASL_HASH_SHA1 : GSASL_HASH_SHA256, password, how->iterations,
        how->salt.at, how->salt.len, salted, client_key, server_key, stored_key);
    str_wipe(client_key, sizeof client_key);
    str_wipe(server_key, sizeof server_key);
    str_wipe(stored_key, sizeof stored_key);
    if (code == GSASL_OK)
        buf_wrote(ret_key, len);
    return code == GSASL_OK;
}

const struct sasl_engine outpost_sasl = { face_new, face_free, face_set, face_step, face_salt };
