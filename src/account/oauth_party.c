#include "account/oauth_party.h"

#include "account/oauth_call.h"
#include "base/alloc.h"
#include "base/obj.h"
#include "base/str.h"
#include "net/loop.h"
#include "net/timer.h"

#include "base/banned.h"

enum { PARTY_MAGIC = 0x70617274 };

struct oauth_party {
    uint32_t magic;
    const struct credential_world *world;
    const struct account *account;
    uint64_t deadline;
    struct oauth_way way;
    size_t asked;                    /* of way.metadata, how many */
    struct oauth_call *call;         /* one of these two is under way */
    struct secret_fetch *fetch;
    struct secret *secret, *assertion;
    uint64_t proof_expires;
    struct timer *soon;              /* rings when it is over */
    struct err why;
    oauth_party_ready *done;
    void *who;
};

const struct oauth_way *oauth_party_way(const struct oauth_party *party)
{
    return &party->way;
}

struct oauth_proof oauth_party_proof(const struct oauth_party *party)
{
    return (struct oauth_proof){ party->secret, party->assertion };
}

void oauth_party_hide(const struct oauth_party *party, struct err *err)
{
    if (!party)
        return;
    secret_hide_err(err, party->secret);
    secret_hide_err(err, party->assertion);
}

uint64_t oauth_party_proof_expires(const struct oauth_party *party)
{
    return party->proof_expires;
}

void oauth_party_free(struct oauth_party *party)
{
    if (!party)
        return;
    oauth_call_cancel(party->call);
    secret_fetch_cancel(party->fetch);
    secret_free(party->secret);
    secret_free(party->assertion);
    oauth_way_done(&party->way);
    timer_free(party->soon);
    OBJ_GONE(party);
    mem_free(party);
}

/* ---- the end, told from the loop ---- */

static void rang(void *who)
{
    struct oauth_party *party = OBJ(oauth_party, PARTY_MAGIC, who);

    party->done(party->who, party->why.kind == ERR_NONE ? NULL : &party->why);
}

static void finish(struct oauth_party *party, const struct err *why_or_null)
{
    if (why_or_null)
        party->why = *why_or_null;
    timer_set(party->soon, loop_now(party->world->secrets.loop));
}

/* ---- what the application proves itself with ---- */

static bool sign(struct oauth_party *party, const struct secret *pem, struct err *err)
{
    OWN(crypto_key) key = NULL;
    struct crypto_certificate certificate;
    struct oauth_assertion plan = {
        .certificate = &certificate,
        .rsa = party->way.assertion,
        .client_id = party->way.client_id,
        .audience = party->way.token,
        .wall = clock_wall(party->world->clock),
    };

    if (!crypto_key_read(pem, &key, err) ||
        !crypto_certificate_read(secret_bytes(pem), key, &certificate, err)) {
        if (err->kind == ERR_CONFIG)
            err->fact = "secret:unreadable";
        return false;
    }
    plan.key = key;
    party->proof_expires = certificate.expires;
    return random_fill(party->world->secrets.dice, plan.random, sizeof plan.random, err) &&
           oauth_assertion_make(&plan, &party->assertion, err);
}

static void took_secret(void *who, struct secret *secret, const struct err *why)
{
    struct oauth_party *party = OBJ(oauth_party, PARTY_MAGIC, who);

    party->fetch = NULL;
    party->secret = secret;
    finish(party, why);
}

static void took_certificate(void *who, struct secret *secret, const struct err *why)
{
    struct oauth_party *party = OBJ(oauth_party, PARTY_MAGIC, who);
    OWN(secret) pem = secret;
    struct err err = { 0 };

    party->fetch = NULL;
    if (secret && !sign(party, pem, &err)) {
        err_in(&err, "account %s: certificate", party->account->name);
        why = &err;
    }
    finish(party, why);
}

static bool prove(struct oauth_party *party, struct err *err)
{
    const struct account *account = party->account;
    bool certificate = account->certificate != NULL;

    if (!certificate && !account->client_secret) {
        finish(party, NULL);
        return true;
    }
    return secret_source_read(&party->world->secrets, account,
                              certificate ? SECRET_CERTIFICATE : SECRET_OF_CLIENT, party->deadline,
                              certificate ? took_certificate : took_secret, party, &party->fetch, err);
}

/* ---- what the issuer publishes ---- */

static void published(void *who, const struct oauth_reply *reply, uint64_t retry_after, const struct err *why);

static bool ask_issuer(struct oauth_party *party, struct err *err)
{
    return oauth_call_get(party->world, party->account, party->way.metadata[party->asked++],
                          party->deadline, published, party, &party->call, err);
}

static bool has_another(const struct oauth_party *party)
{
    return party->asked < OAUTH_METADATA_ADDRESSES && party->way.metadata[party->asked];
}

static bool learn(struct oauth_party *party, const struct oauth_reply *reply, struct err *err)
{
    if (reply->status >= 500 || reply->status == 429)
        return err_found(err, ERR_LATER, "oauth:busy", "the issuer says: not now (HTTP status %u)", reply->status);
    if (reply->status != 200)
        return err_found(err, ERR_CONFIG, "oauth:no-metadata",
                         "the issuer publishes nothing of its sign-in (HTTP status %u)", reply->status);
    return oauth_way_learn(&party->way, reply->body, err);
}

static void published(void *who, const struct oauth_reply *reply, uint64_t retry_after, const struct err *why)
{
    struct oauth_party *party = OBJ(oauth_party, PARTY_MAGIC, who);
    struct err err = { 0 };

    (void)retry_after;
    party->call = NULL;
    if (!reply) {
        finish(party, why);
        return;
    }
    if (learn(party, reply, &err) ? prove(party, &err) : has_another(party) && ask_issuer(party, &err))
        return;
    err_in(&err, "account %s: issuer %s", party->account->name,
           party->account->issuer ? party->account->issuer : party->way.metadata[0]);
    finish(party, &err);
}

/* ---- the beginning ---- */

static bool take_grants(struct oauth_party *party, const struct grant *grant, struct err *err)
{
    struct oauth_way *way = &party->way;

    way->token = pool_text(&way->pool, span_of(grant->token_url));
    way->revoke = grant->revoke_url ? pool_text(&way->pool, span_of(grant->revoke_url)) : way->revoke;
    way->basic = grant->basic;
    memset(way->metadata, 0, sizeof way->metadata);
    return (way->token && (way->revoke || !grant->revoke_url)) || err_no_memory(err);
}

bool oauth_party_new(const struct credential_world *world, const struct account *account,
                     const struct grant *grant_or_null, uint64_t deadline, oauth_party_ready *done,
                     void *who, struct oauth_party **ret_party, struct err *err)
{
    OWN(oauth_party) party = NEW(oauth_party);

    if (!party)
        return err_no_memory(err);
    *party = (struct oauth_party){ .magic = PARTY_MAGIC, .world = world, .account = account,
                                   .deadline = deadline, .done = done, .who = who };
    if (!(party->soon = timer_new(world->secrets.loop, rang, party)))
        return err_no_memory(err);
    if (!oauth_way_of(account, &party->way, err) ||
        (grant_or_null && !take_grants(party, grant_or_null, err)))
        return false;
    if (party->way.metadata[0] ? !ask_issuer(party, err) : !prove(party, err))
        return false;
    *ret_party = GIVE(party);
    return true;
}
