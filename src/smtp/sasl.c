/* What takes cryptography is handed to the engine. */
#include "smtp/sasl_engine.h"

#include "base/banned.h"

bool sasl_exchange_new(enum sasl_mechanism mechanism, bool is_server,
                       struct sasl_exchange **ret_exchange, struct err *err)
{
    const struct sasl_engine *engine = sasl_engine(err);

    return engine && engine->exchange_new(mechanism, is_server, ret_exchange, err);
}

void sasl_exchange_free(struct sasl_exchange *exchange)
{
    if (exchange)
        exchange->engine->exchange_free(exchange);
}

bool sasl_exchange_set(struct sasl_exchange *exchange, enum sasl_property property,
                       struct span value, struct err *err)
{
    return exchange->engine->exchange_set(exchange, property, value, err);
}

enum sasl_step sasl_exchange_step(struct sasl_exchange *exchange, struct span in, struct buf *out,
                                  struct err *err)
{
    return exchange->engine->exchange_step(exchange, in, out, err);
}

struct secret *sasl_salt(const struct sasl_salting *how, struct span password)
{
    const struct sasl_engine *engine = sasl_engine(NULL);
    HELD(buf) text = BUF(SECRET_MAX);
    HELD(buf) key = BUF(SASL_KEY_MAX);

    buf_add_span(&text, password);
    if (!engine || text.full || !sasl_is_text(password) || !engine->salt(how, buf_text(&text), &key))
        return NULL;
    return secret_take(&key);
}
