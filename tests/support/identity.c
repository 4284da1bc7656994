#include "support/check.h"

#include "support/identity.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { FROM = 1000000000, EXPIRED = 1500000000 };
static const uint64_t until = 4102444800; /* 2100-01-01 */

void identity_make(struct identity *identity)
{
    struct err err;
    HELD(buf) pem = BUF(10000);

    assert_true(cert_make_authority("Test Authority", FROM, until, &identity->authority, &err));
    assert_true(cert_make_authority("Nobody Knows", FROM, until, &identity->stranger, &err));
    cert_add_chain(identity->authority, &pem);
    assert_false(pem.full);
    identity->protocol = "smtp";
    identity->also = NULL;
    strcpy(identity->ca_file, "/tmp/outpost-ca-XXXXXX");
    int fd = mkstemp(identity->ca_file);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, pem.at, pem.len), pem.len);
    close(fd);
}

void identity_done(struct identity *identity)
{
    unlink(identity->ca_file);
    cert_free(identity->authority);
    cert_free(identity->stranger);
}

struct tls_context *identity_server(const struct identity *identity, enum identity_kind kind,
                                    const char *name, bool with_ip)
{
    const char *names[12] = { name };
    size_t count = 1;
    struct cert_plan plan = { .names = names, .from = FROM, .until = until, .issuer = identity->authority };
    struct tls_context *context = NULL;
    OWN(cert) cert = NULL;
    HELD(buf) chain = BUF(10000);
    HELD(buf) key = BUF(10000);
    struct err err = { 0 };

    if (kind == IDENTITY_EXPIRED)
        plan.until = EXPIRED;
    else if (kind == IDENTITY_NOT_YET_VALID)
        plan.from = until - 1;
    else if (kind == IDENTITY_SELF_SIGNED)
        plan.issuer = NULL;
    else if (kind == IDENTITY_OTHER_ISSUER)
        plan.issuer = identity->stranger;
    if (with_ip)
        names[count++] = "127.0.0.1";
    for (const char *const *also = identity->also; also && *also && count + 1 < COUNT(names); also++)
        names[count++] = *also;
    assert_true(cert_make(&plan, &cert, &err));
    cert_add_chain(cert, &chain);
    cert_add_key(cert, &key);
    assert_true(tls_server_context(&(struct tls_server_plan){ .chain_pem = buf_span(&chain),
                                                              .key_pem = buf_span(&key),
                                                              .protocol = identity->protocol },
                                   &context, &err));
    return context;
}

struct tls_context *identity_client(const struct identity *identity)
{
    struct tls_context *context = NULL;
    struct err err = { 0 };

    assert_true(tls_client_context(
        &(struct tls_client_plan){ .ca_file = identity->ca_file, .protocol = "smtp" }, &context,
        &err));
    return context;
}
