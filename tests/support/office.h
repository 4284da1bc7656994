/* A sandbox's issuer without a sandbox, for unit tests and fuzz targets: a profile, two users, a key, a clock
 * that stands still, and requests from texts. */
#ifndef OUTPOST_TESTS_OFFICE_H
#define OUTPOST_TESTS_OFFICE_H

#include "base/json_read.h"
#include "know/knowledge.h"
#include "sandbox/issuer.h"

struct office {
    struct issuer issuer;
    struct crypto_key *key;
    struct sandbox_user users[2]; /* me@, you@ the profile's first domain; passwords "pw-me", "pw-you" */
    char names[2][64];
    uint64_t now;
    unsigned dice;
};

bool office_open(struct office *office, const struct knowledge *know, const char *provider);
void office_close(struct office *office);

/* "POST https://HOST/PATH?QUERY"; headers are "Name: value" lines, each ended by '\n'; a Host is added. */
void office_request(const char *line, const char *headers, struct span body, struct serve_request *ret_request);
struct identity_moment office_moment(struct office *office);
/* The reply to it. */
void office_ask(struct office *office, const char *line, const char *headers, struct span body,
                struct reply *reply);

#endif
