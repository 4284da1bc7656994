/* What an OAuth server answers: tokens, a device code, or why not (RFC 6749, 5; RFC 8628, 3.2, 3.5). Pure:
 * foreign bytes come here.
 *
 * A refusal is evidence: its words are kept in err->said ("invalid_grant: AADSTS70008: ..."), its word as a
 * fact ("oauth:invalid-grant"), and what is to be done next is one of few.
 */
#ifndef OUTPOST_ACCOUNT_OAUTH_ANSWER_H
#define OUTPOST_ACCOUNT_OAUTH_ANSWER_H

#include "account/oauth_way.h"
#include "base/secret.h"

enum {
    OAUTH_ANSWER_MAX = 64 * 1024,
    OAUTH_TOKEN_MAX = 16 * 1024, /* of one token; none is longer that a server of mail would take */
};

enum oauth_outcome {
    OAUTH_GIVEN,      /* here it is */
    OAUTH_NOT_NOW,    /* busy, broken for the moment: the same may be asked later; nothing is lost */
    OAUTH_SIGNED_OUT, /* what we hold is worth nothing any more: a person must sign in */
    OAUTH_REFUSED,    /* the application, its settings or what it asks for are not right */
    OAUTH_PENDING,    /* device: the person has not yet ... */
    OAUTH_SLOW_DOWN,  /* ... and we asked too often */
    OAUTH_DECLINED,   /* the person said no */
    OAUTH_TOO_LATE,   /* the device code has run out */
    OAUTH_STRANGE,    /* a page, an empty body, JSON that says nothing of use */
};

struct oauth_reply { /* as HTTPS brought it */
    unsigned status;
    struct span body;
};

struct oauth_tokens {
    struct secret *access;
    struct secret *refresh;   /* NULL: none came; the one before stays good */
    struct secret *id_token;  /* NULL: none */
    uint64_t life_ms;         /* of the access token; 0: not said */
    uint64_t refresh_life_ms; /* 0: not said */
    char *scope;              /* what was granted; NULL: what was asked for */
};
void oauth_tokens_done(struct oauth_tokens *tokens);

/* Tokens, for OAUTH_GIVEN; else err tells. */
enum oauth_outcome oauth_answer_tokens(const struct oauth_way *way, struct oauth_reply reply,
                                       struct oauth_tokens *ret_tokens, struct err *err);

struct oauth_device {
    struct secret *code;          /* ours, to ask with */
    char user_code[64];           /* the person's, as it came: escape it when it is shown */
    char page[1024], page_complete[2048]; /* https; the second with the code in it, or "" */
    uint64_t interval_ms, life_ms;
};
void oauth_device_done(struct oauth_device *device);

enum oauth_outcome oauth_answer_device(const struct oauth_way *way, struct oauth_reply reply,
                                       struct oauth_device *ret_device, struct err *err);

/* Revocation answers with 200 whatever it was told (RFC 7009, 2.2). */
enum oauth_outcome oauth_answer_revoked(const struct oauth_way *way, struct oauth_reply reply,
                                        struct err *err);

/* The words of an `error` and its description, from an answer or a redirect, into err; what it means. Both
 * may be empty. */
enum oauth_outcome oauth_refusal(const struct oauth_way *way, struct span error, struct span description,
                                 struct err *err);
/* The fact of a word, such as "oauth:invalid-grant", for who kept it as text; NULL: none of ours. */
const char *oauth_fact(struct span fact);

/* Was less granted than asked for, so that it won't do? Compared by their last words, for servers write the
 * same scope in more than one way; those that only tell who it is aside. ERR_SIGNIN oauth:scope-withheld. */
MUST_USE bool oauth_scope_granted(const char *asked, const char *granted_or_null, struct err *err);

/* May a token of these scopes send mail by SMTP, as far as their names tell? Not where all of them only tell who it is, or are
 * for reading, for IMAP, a calendar and the like; a name that says nothing may be for anything. */
bool oauth_scope_may_send(struct span granted);

#endif
