/* Who computes SCRAM and CRAM-MD5: GNU SASL (sasl_gsasl.c). It brings three libraries along, and few
 * sign-ins need it; so the program has it as a module, loaded when the first of them begins
 * (os/engines.c), and the tests have it linked.
 */
#ifndef OUTPOST_SMTP_SASL_ENGINE_H
#define OUTPOST_SMTP_SASL_ENGINE_H

#include "smtp/sasl_int.h"

#define SASL_MODULE "outpost-sasl.so"
#define SASL_FACE   "outpost_sasl"

struct sasl_engine;

struct sasl_exchange { /* its first member; the rest is the engine's */
    const struct sasl_engine *engine;
};

struct sasl_engine { /* as sasl_int.h and sasl.h say of the functions with these names */
    bool (*exchange_new)(enum sasl_mechanism mechanism, bool is_server,
                         struct sasl_exchange **ret_exchange, struct err *err);
    void (*exchange_free)(struct sasl_exchange *exchange);
    bool (*exchange_set)(struct sasl_exchange *exchange, enum sasl_property property,
                         struct span value, struct err *err);
    enum sasl_step (*exchange_step)(struct sasl_exchange *exchange, struct span in, struct buf *out,
                                    struct err *err);
    /* Adds the salted password to *ret_key; false where it can't be prepared or memory is out. */
    bool (*salt)(const struct sasl_salting *how, const char *password, struct buf *ret_key);
};

/* Where it is to be had; NULL, and err says why, where it is not. Not this room's: a door, as memory has
 * one (base/alloc.h). Good on any thread. */
const struct sasl_engine *sasl_engine(struct err *err);

#endif
