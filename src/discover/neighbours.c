#include "discover/neighbours.h"

#include "base/banned.h"

static bool could_not_connect(const struct proof *proof)
{
    return proof->state == PROOF_FAILED && proof->evidence.stage == STAGE_CONNECT;
}

/* Somebody answered there, whatever came of it. */
static bool was_connected(const struct proof *proof)
{
    return proof->state == PROOF_REACHED || proof->state == PROOF_SIGNED_IN ||
           (proof->state == PROOF_FAILED && proof->evidence.stage > STAGE_CONNECT);
}

struct sight {
    bool answered, silent;
};

static void see(struct sight *sight, const struct proof *proof)
{
    sight->answered |= was_connected(proof);
    sight->silent |= could_not_connect(proof);
}

static void compare(struct proof *proof, const struct candidate *candidate, const struct proofs *proofs,
                    const struct candidates *candidates)
{
    struct sight same_port = { 0 }, same_host = { 0 };
    size_t count = 0;

    for (size_t i = 0; i < proofs->count; i++) {
        const struct candidate *other = &candidates->at[i];
        bool host = !strcmp(other->host, candidate->host), port = other->port == candidate->port;
        if (port && !host)
            see(&same_port, &proofs->at[i]);
        if (host && !port)
            see(&same_host, &proofs->at[i]);
    }
    if (same_port.answered || same_port.silent)
        proof->found[count++] = same_port.answered ? "others:reachable" : "others:unreachable";
    if (same_host.answered || same_host.silent)
        proof->found[count++] = same_host.answered ? "port:other-open" : "port:none-open";
    proof->evidence.found = count ? proof->found : NULL;
}

void proofs_compare(struct proofs *proofs, const struct candidates *candidates)
{
    for (size_t i = 0; i < proofs->count; i++)
        if (could_not_connect(&proofs->at[i]))
            compare(&proofs->at[i], &candidates->at[i], proofs, candidates);
}
