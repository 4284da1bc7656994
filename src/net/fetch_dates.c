/* A certificate's dates put aside, for a request that asks what time it is. Chain and name are looked at all the same. */
#include <openssl/ssl.h>

#include "net/fetch_curl_int.h"

#include "base/banned.h"

CURLcode trust_any_date(CURL *easy, void *context, void *unused)
{
    (void)easy, (void)unused;
    return X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(context), X509_V_FLAG_NO_CHECK_TIME) == 1 ? CURLE_OK
                                                                                                    : CURLE_SSL_CERTPROBLEM;
}
