#include "sandbox/identity.h"

#include "base/alloc.h"
#include "base/base64.h"
#include "base/str.h"
#include "sandbox/scope.h"

#include "base/banned.h"

enum {
    RANDOM_PART = 32, /* of a moment's bytes: there are two */
    ASKED_LIFE_MS = 30 * 60 * 1000, /* how long a page may stand open */
    SLOWER_MS = 5000,               /* RFC 8628, 3.5 */
    USER_CODE_LEN = 8,
    EARLY_MS = 200, /* a client's timer may ring a little soon */
};

enum asked_state { ASKED_NOTHING, ASKED_WAITS, ASKED_AGREED, ASKED_REDEEMED };

struct asked {
    enum asked_state state;
    char text[IDENTITY_TEXT]; /* in the page; once agreed, the code */
    struct identity_asked what;
    uint64_t expires, consent;
};

enum device_state { DEVICE_NOTHING, DEVICE_WAITS, DEVICE_AGREED, DEVICE_DECLINED, DEVICE_REDEEMED };

struct device {
    struct identity_device what;
    enum device_state state;
    uint64_t interval_ms, asked_at, consent;
};

struct consent {
    uint64_t id; /* 0: nothing */
    bool ended;
    size_t user;
    char client[IDENTITY_NAME], scope[IDENTITY_SCOPE], nonce[IDENTITY_NAME];
};

struct refresh {
    char text[IDENTITY_TEXT]; /* "": nothing */
    uint64_t consent, expires;
    bool replaced;
};

struct identity {
    struct identity_rules rules;
    struct asked asked[IDENTITY_ASKED_MAX];
    struct device devices[IDENTITY_DEVICES_MAX];
    struct consent consents[IDENTITY_CONSENTS_MAX];
    struct refresh refreshes[IDENTITY_REFRESHES_MAX];
    struct identity_access accesses[IDENTITY_ACCESSES_MAX];
    uint64_t asked_count, device_count, consent_count, refresh_count, access_count; /* ever */
};

struct identity *identity_new(const struct identity_rules *rules)
{
    struct identity *identity = NEW(identity);

    if (identity)
        identity->rules = *rules;
    return identity;
}

void identity_free(struct identity *identity)
{
    mem_free(identity);
}

/* ---- texts ---- */

bool identity_put(char *into, size_t room, struct span text)
{
    if (text.len >= room || span_find(text, '\0') < text.len)
        return false;
    if (text.len)
        memcpy(into, text.at, text.len);
    into[text.len] = '\0';
    return true;
}

/* Two letters that tell what it is, and the bytes. */
static void name(char into[IDENTITY_TEXT], const char *kind, const unsigned char random[RANDOM_PART])
{
    HELD(buf) text = BUF(IDENTITY_TEXT);

    buf_add(&text, kind);
    base64url_encode(&text, (struct span){ (const char *)random, RANDOM_PART });
    if (text.full || !identity_put(into, IDENTITY_TEXT, buf_span(&text)))
        into[0] = '\0';
}

static bool is_text(const char known[IDENTITY_TEXT], struct span text)
{
    return known[0] && str_equal_secret(span_of(known), text);
}

/* ---- consents ---- */

static struct consent *consent_find(const struct identity *identity, uint64_t id)
{
    for (size_t i = 0; id && i < IDENTITY_CONSENTS_MAX; i++)
        if (identity->consents[i].id == id)
            return (struct consent *)&identity->consents[i];
    return NULL;
}

static bool consent_lives(const struct identity *identity, uint64_t id)
{
    const struct consent *consent = consent_find(identity, id);

    return consent && !consent->ended;
}

static void consent_end(const struct identity *identity, uint64_t id)
{
    struct consent *consent = consent_find(identity, id);

    if (consent)
        consent->ended = true;
}

static uint64_t consent_new(struct identity *identity, size_t user, const char *client, const char *scope,
                            const char *nonce)
{
    struct consent *consent = &identity->consents[identity->consent_count++ % IDENTITY_CONSENTS_MAX];

    *consent = (struct consent){ .id = identity->consent_count, .user = user };
    if (!identity_put(consent->client, sizeof consent->client, span_of(client)) ||
        !identity_put(consent->scope, sizeof consent->scope, span_of(scope)) ||
        !identity_put(consent->nonce, sizeof consent->nonce, span_of(nonce)))
        consent->ended = true; /* can't be: they were read into as much room */
    return consent->id;
}

const char *identity_agreed(const struct identity *identity, struct span client, size_t *at)
{
    while (*at < IDENTITY_CONSENTS_MAX) {
        const struct consent *consent = &identity->consents[(*at)++];
        if (consent->id && !consent->ended && span_is(client, consent->client))
            return consent->scope;
    }
    return NULL;
}

static void right_of(const struct consent *consent, bool lasting, struct identity_right *ret_right)
{
    *ret_right = (struct identity_right){ .consent = consent->id, .user = consent->user,
                                          .lasting = lasting };
    memcpy(ret_right->client, consent->client, sizeof consent->client);
    memcpy(ret_right->scope, consent->scope, sizeof consent->scope);
    memcpy(ret_right->nonce, consent->nonce, sizeof consent->nonce);
}

/* ---- at a page ---- */

static struct asked *asked_find(const struct identity *identity, struct span text)
{
    for (size_t i = 0; i < IDENTITY_ASKED_MAX; i++)
        if (identity->asked[i].state != ASKED_NOTHING && is_text(identity->asked[i].text, text))
            return (struct asked *)&identity->asked[i];
    return NULL;
}

static struct asked *asked_waiting(const struct identity *identity, struct span text, uint64_t now)
{
    struct asked *asked = asked_find(identity, text);

    return asked && asked->state == ASKED_WAITS && now < asked->expires ? asked : NULL;
}

const char *identity_ask(struct identity *identity, const struct identity_asked *what,
                         const struct identity_moment *moment)
{
    struct asked *asked = &identity->asked[identity->asked_count++ % IDENTITY_ASKED_MAX];

    *asked = (struct asked){ .state = ASKED_WAITS, .what = *what, .expires = moment->now + ASKED_LIFE_MS };
    name(asked->text, "p.", moment->random);
    return asked->text;
}

const struct identity_asked *identity_asked(const struct identity *identity, struct span text, uint64_t now)
{
    const struct asked *asked = asked_waiting(identity, text, now);

    return asked ? &asked->what : NULL;
}

const char *identity_agree(struct identity *identity, struct span text, size_t user,
                           const struct identity_moment *moment)
{
    struct asked *asked = asked_waiting(identity, text, moment->now);

    if (!asked)
        return NULL;
    asked->state = ASKED_AGREED;
    asked->expires = moment->now + identity->rules.code_life_ms;
    asked->consent = consent_new(identity, user, asked->what.client, asked->what.scope, asked->what.nonce);
    name(asked->text, "c.", moment->random);
    return asked->text;
}

void identity_decline(struct identity *identity, struct span text, uint64_t now)
{
    struct asked *asked = asked_waiting(identity, text, now);

    if (asked)
        asked->state = ASKED_NOTHING;
}

enum identity_answer identity_redeem_code(struct identity *identity, struct span code, struct span client,
                                          struct span redirect, struct span challenge, uint64_t now,
                                          struct identity_right *ret_right)
{
    struct asked *asked = asked_find(identity, code);

    if (!asked || asked->state == ASKED_WAITS || !span_is(client, asked->what.client) ||
        !span_is(redirect, asked->what.redirect))
        return IDENTITY_UNKNOWN;
    if (asked->state == ASKED_REDEEMED) {
        consent_end(identity, asked->consent);
        return IDENTITY_USED;
    }
    if (now >= asked->expires)
        return IDENTITY_EXPIRED;
    if (asked->what.challenge[0] && !str_equal_secret(span_of(asked->what.challenge), challenge))
        return IDENTITY_UNPROVEN;
    asked->state = ASKED_REDEEMED;
    const struct consent *consent = consent_find(identity, asked->consent);
    if (!consent || consent->ended)
        return IDENTITY_REVOKED;
    right_of(consent, asked->what.lasting, ret_right);
    return IDENTITY_YES;
}

/* ---- elsewhere ---- */

/* No vowels, and no letter that looks like another: nothing that reads as a word. */
static void name_for_people(char into[12], const unsigned char random[RANDOM_PART])
{
    static const char letters[] = "BCDFGHJKLMNPQRSTVWXZ";
    size_t at = 0;

    for (size_t i = 0; i < USER_CODE_LEN; i++) {
        if (i == USER_CODE_LEN / 2)
            into[at++] = '-';
        into[at++] = letters[random[i] % (sizeof letters - 1)];
    }
    into[at] = '\0';
}

static char next_letter(const char **at)
{
    while (**at == '-' || **at == ' ')
        (*at)++;
    return **at ? str_lower(*(*at)++) : '\0';
}

static bool is_typed(const char *user_code, struct span typed)
{
    char text[32];
    const char *known = user_code, *said = text;
    char letter;

    if (!identity_put(text, sizeof text, typed))
        return false;
    while ((letter = next_letter(&known)))
        if (next_letter(&said) != letter)
            return false;
    return !next_letter(&said);
}

const struct identity_device *identity_device(struct identity *identity, struct span client,
                                              struct span scope, const struct identity_moment *moment)
{
    struct device *device = &identity->devices[identity->device_count++ % IDENTITY_DEVICES_MAX];

    *device = (struct device){ .what.expires = moment->now + identity->rules.device_life_ms,
                               .interval_ms = identity->rules.device_interval_ms,
                               .asked_at = moment->now };
    if (!identity_put(device->what.client, sizeof device->what.client, client) ||
        !identity_put(device->what.scope, sizeof device->what.scope, scope))
        return NULL;
    name(device->what.code, "d.", moment->random);
    name_for_people(device->what.user_code, moment->random + RANDOM_PART);
    device->state = DEVICE_WAITS;
    return &device->what;
}

static struct device *device_typed(const struct identity *identity, struct span user_code, uint64_t now)
{
    for (size_t i = 0; i < IDENTITY_DEVICES_MAX; i++) {
        const struct device *device = &identity->devices[i];
        if (device->state == DEVICE_WAITS && now < device->what.expires &&
            is_typed(device->what.user_code, user_code))
            return (struct device *)device;
    }
    return NULL;
}

const struct identity_device *identity_device_typed(const struct identity *identity, struct span user_code,
                                                    uint64_t now)
{
    const struct device *device = device_typed(identity, user_code, now);

    return device ? &device->what : NULL;
}

bool identity_device_decide(struct identity *identity, struct span user_code, size_t user, bool yes,
                            uint64_t now)
{
    struct device *device = device_typed(identity, user_code, now);

    if (!device)
        return false;
    device->state = yes ? DEVICE_AGREED : DEVICE_DECLINED;
    if (yes)
        device->consent = consent_new(identity, user, device->what.client, device->what.scope, "");
    return true;
}

static enum identity_answer poll(struct device *device, uint64_t now)
{
    bool early = now + EARLY_MS < device->asked_at + device->interval_ms;

    device->asked_at = now;
    if (!early)
        return IDENTITY_PENDING;
    device->interval_ms += SLOWER_MS;
    return IDENTITY_TOO_SOON;
}

enum identity_answer identity_redeem_device(struct identity *identity, struct span code, struct span client,
                                            uint64_t now, struct identity_right *ret_right)
{
    struct device *device = NULL;

    for (size_t i = 0; i < IDENTITY_DEVICES_MAX; i++)
        if (is_text(identity->devices[i].what.code, code))
            device = &identity->devices[i];
    if (!device || !span_is(client, device->what.client))
        return IDENTITY_UNKNOWN;
    if (device->state == DEVICE_REDEEMED)
        return IDENTITY_USED;
    if (now >= device->what.expires)
        return IDENTITY_EXPIRED;
    if (device->state == DEVICE_DECLINED)
        return IDENTITY_DECLINED;
    if (device->state == DEVICE_WAITS)
        return poll(device, now);
    device->state = DEVICE_REDEEMED;
    const struct consent *consent = consent_find(identity, device->consent);
    if (!consent || consent->ended)
        return IDENTITY_REVOKED;
    right_of(consent, true, ret_right);
    return IDENTITY_YES;
}

/* ---- refresh tokens ---- */

static struct refresh *refresh_find(const struct identity *identity, struct span text)
{
    for (size_t i = 0; i < IDENTITY_REFRESHES_MAX; i++)
        if (is_text(identity->refreshes[i].text, text))
            return (struct refresh *)&identity->refreshes[i];
    return NULL;
}

static uint64_t refresh_end(const struct identity *identity, uint64_t now)
{
    return identity->rules.refresh_life_ms ? now + identity->rules.refresh_life_ms : UINT64_MAX;
}

enum identity_answer identity_redeem_refresh(struct identity *identity, struct span text, struct span client,
                                             struct span scope, uint64_t now,
                                             struct identity_right *ret_right)
{
    struct refresh *refresh = refresh_find(identity, text);
    const struct consent *consent = refresh ? consent_find(identity, refresh->consent) : NULL;

    if (!consent || !span_is(client, consent->client))
        return IDENTITY_UNKNOWN;
    if (consent->ended)
        return IDENTITY_REVOKED;
    if (refresh->replaced) {
        consent_end(identity, refresh->consent);
        return IDENTITY_USED;
    }
    if (now >= refresh->expires)
        return IDENTITY_EXPIRED;
    if (!scope_is_within(scope, span_of(consent->scope)))
        return IDENTITY_UNAGREED;
    refresh->expires = refresh_end(identity, now);
    right_of(consent, identity->rules.rotates, ret_right);
    ret_right->refresh = (size_t)(refresh - identity->refreshes) + 1;
    return IDENTITY_YES;
}

static const char *refresh_new(struct identity *identity, uint64_t consent,
                               const struct identity_moment *moment)
{
    struct refresh *refresh = &identity->refreshes[identity->refresh_count++ % IDENTITY_REFRESHES_MAX];

    *refresh = (struct refresh){ .consent = consent, .expires = refresh_end(identity, moment->now) };
    name(refresh->text, "r.", moment->random + RANDOM_PART);
    return refresh->text;
}

bool identity_revoke_refresh(struct identity *identity, struct span text)
{
    const struct refresh *refresh = refresh_find(identity, text);

    if (!refresh)
        return false;
    consent_end(identity, refresh->consent);
    return true;
}

/* ---- access tokens ---- */

enum identity_answer identity_application(struct span client, struct span scope,
                                          struct identity_right *ret_right)
{
    *ret_right = (struct identity_right){ .user = IDENTITY_NOBODY };
    return identity_put(ret_right->client, sizeof ret_right->client, client) &&
                   identity_put(ret_right->scope, sizeof ret_right->scope, scope)
               ? IDENTITY_YES
               : IDENTITY_UNAGREED;
}

void identity_issue(struct identity *identity, const struct identity_right *right, struct span scope,
                    const struct identity_moment *moment, struct identity_issued *ret_issued)
{
    struct identity_access *access =
        &identity->accesses[identity->access_count++ % IDENTITY_ACCESSES_MAX];

    *access = (struct identity_access){ .consent = right->consent, .user = right->user,
                                        .made = moment->now,
                                        .expires = moment->now + identity->rules.access_life_ms };
    name(access->id, "a.", moment->random);
    memcpy(access->client, right->client, sizeof right->client);
    if (!identity_put(access->scope, sizeof access->scope, scope))
        access->scope[0] = '\0';
    *ret_issued = (struct identity_issued){ .access = access };
    if (!right->lasting)
        return;
    if (right->refresh && !identity->rules.old_stays_valid)
        identity->refreshes[right->refresh - 1].replaced = true;
    ret_issued->refresh = refresh_new(identity, right->consent, moment);
}

void identity_seal(struct identity_access *access, const unsigned char hash[IDENTITY_HASH])
{
    memcpy(access->hash, hash, IDENTITY_HASH);
}

static struct identity_access *access_find(const struct identity *identity,
                                           const unsigned char hash[IDENTITY_HASH])
{
    for (size_t i = 0; i < IDENTITY_ACCESSES_MAX; i++)
        if (identity->accesses[i].id[0] && memcmp(identity->accesses[i].hash, hash, IDENTITY_HASH) == 0)
            return (struct identity_access *)&identity->accesses[i];
    return NULL;
}

const struct identity_access *identity_access(const struct identity *identity,
                                              const unsigned char hash[IDENTITY_HASH])
{
    const struct identity_access *access = access_find(identity, hash);
    bool lives = access && (!access->consent || consent_lives(identity, access->consent));

    return lives ? access : NULL;
}

bool identity_revoke_access(struct identity *identity, const unsigned char hash[IDENTITY_HASH])
{
    struct identity_access *access = access_find(identity, hash);

    if (access)
        access->id[0] = '\0';
    return access;
}
