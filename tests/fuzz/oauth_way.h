/* A way for the targets that read what an OAuth server says: made by hand, without profiles. */
#ifndef OUTPOST_FUZZ_OAUTH_WAY_H
#define OUTPOST_FUZZ_OAUTH_WAY_H

#include "account/oauth_way.h"

static const char *const busy[] = { "90033" };

static inline struct oauth_way example_way(void)
{
    return (struct oauth_way){
        .issuer = "https://id.example",
        .token = "https://id.example/token",
        .authorize = "https://id.example/auth",
        .client_id = "app",
        .scopes = { "offline_access", "offline_access", "offline_access", "offline_access" },
        .busy_codes = { busy, 1 },
        .declined = "access_denied",
        .pkce = true,
    };
}

#endif
