/* A query that may hold our state: a code comes out only with it, and no state gets into an error. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "account/oauth_redirect.h"
#include "oauth_way.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const unsigned char dice[OAUTH_RANDOM_LEN] = { 0 }; /* the state is AAAA... */
    struct oauth_way way = example_way();
    struct span text = { (const char *)data, len }, query;
    struct oauth_attempt attempt;
    OWN(secret) code = NULL;
    struct err err = { 0 };

    if (!oauth_attempt_make(dice, SPAN("http://127.0.0.1:1/"), &attempt, NULL))
        return 0;
    way.issuer_due = len % 2;
    enum oauth_redirect what = oauth_redirect_read(&way, &attempt, text, &code, &err);
    assert((what == OAUTH_REDIRECT_CODE) == (code != NULL));
    assert(what == OAUTH_REDIRECT_FOREIGN || span_find_text(text, attempt.state) < len || span_find(text, '%') < len);
    assert(what != OAUTH_REDIRECT_REFUSED || (err.fact && !strstr(err.text, attempt.state)));
    if (oauth_redirect_pasted(text, &query, NULL))
        assert(query.len <= len);
    return 0;
}
