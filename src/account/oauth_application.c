/* The application signs in for itself (RFC 6749, 4.4): nobody is asked. */
#include "account/oauth_signin_int.h"

#include "base/obj.h"

#include "base/banned.h"

static void answered(void *who, const struct oauth_reply *reply, uint64_t retry_after, const struct err *why)
{
    struct oauth_signin *signin = OBJ(oauth_signin, SIGNIN_MAGIC, who);

    (void)retry_after;
    signin->call = NULL;
    oauth_signin_answered(signin, reply, why);
}

bool oauth_application_begin(struct oauth_signin *signin, struct err *err)
{
    const struct oauth_way *way = oauth_party_way(signin->party);
    struct oauth_proof proof = oauth_party_proof(signin->party);
    HELD(oauth_form) form = OAUTH_FORM;

    if (!proof.secret && !proof.assertion)
        return err_found(err, ERR_CONFIG, "config:bad",
                         "an application that signs in by itself needs a client_secret or a certificate");
    return oauth_way_check_application(way, err) &&
           oauth_request_application(way, &proof, way->app_scopes[signin->first], &form, err) &&
           oauth_signin_ask(signin, &form, false, answered, err);
}
