/* A provider's file of the machine's owner: read or refused, and what was read can be asked. */
#include <assert.h>
#include <stdint.h>

#include "know/cause.h"
#include "know/classify.h"
#include "know/knowledge.h"
#include "know/profile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    const struct knowledge_text texts[] = {
        { "causes.ini", SPAN_INIT("[cause c]\ntitle = t\nmeaning = m\nfix = f\nwho = w\ntakes = x\n"
                                  "scope = account\nretry = later\ngroup = g\n") },
        { "input.ini", { (const char *)data, len } },
    };
    OWN(knowledge) know = NULL;
    struct evidence evidence = { .stage = STAGE_AUTH, .err = { .reply = 535, .said = "some words said" } };
    struct verdict verdict;

    if (!know_new(texts, 2, &know, NULL))
        return 0;
    if (classify(know, &evidence, &verdict))
        assert(verdict.cause == know_cause(know, verdict.cause->id));
    for (size_t i = 0; i < know_profile_count(know); i++) {
        const struct profile *profile = know_profile_at(know, i);
        assert(know_profile(know, profile->id));
        for (size_t k = 0; k < profile->domains.count; k++)
            (void)know_profile_of_domain(know, span_of(profile->domains.at[k]));
        for (size_t k = 0; k < profile->server_count; k++)
            (void)know_profile_of_host(know, span_of(profile->servers[k].host));
    }
    (void)know_profile_of_domain(know, SPAN("hotmail.co.uk"));
    (void)know_profile_of_mx(know, SPAN("mx.example.org"));
    return 0;
}
