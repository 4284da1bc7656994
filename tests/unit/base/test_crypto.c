#include "support/check.h"

#include <openssl/evp.h>
#include <openssl/pem.h>

#include "base/crypto.h"
#include "support/keys.h"

static const char rsa_small[] =
    "-----BEGIN RSA PRIVATE KEY-----\n"
    "MIICXQIBAAKBgQDZZnqbWfNAsaUNzEzOie/0OAgq4qKu7UgBvgwPTqEMuUdLSVoq\n"
    "VKnZhUFOTF7mp4iGF+UqC2+C2EmegS4rg7M63JfSvJQUspfyxi9svcuOkAy+sdFN\n"
    "rBhMD2Hc70IflKsv9mEac2mbRqKS6aHhi1ovn7iKTgNqnzTQpMyRLdyx3QIDAQAB\n"
    "AoGAGCcTfgjrRoe176d/7P5UI0zKU4FkU4zXECJ+EoFI0TIQYqPemY9YY2szizBe\n"
    "5r88IrGq6xXkKKRA4ZQ2fe0ezznBPUA1vxXoUZbMzmfZ1QtyZQvlUcHi5Xl0klk0\n"
    "a96a30LGT51ju0/fwIvt3ZtdPqCk9fmz1yscZ33A9Dq7/90CQQD80sn1RoeugP2U\n"
    "mMSvl5SykYg5R7lDYTmH/tIamnZj6kxrFIDaU7fTtYEE9ng0jzWBISQ86/NI9PEK\n"
    "3PiGujkXAkEA3CHAQ0b3LRtw2OasZGgxO3vUDDtTZBYP4SYU7fFsidume88HqMoz\n"
    "EKbOL6/Aohxfa1wz3r+/GaYP+dY2HD6dKwJASKn8ybYfwRPpzg+qWB1k633QfUYU\n"
    "BT2oX2Hp2SOT61un4w7dieKN7xc3ocmE+vY+FoMD+06Fee6MaObhtzdGuQJBAJBd\n"
    "gh2dGNV4PZXCEiT3P/JmzzYGYjYtUdSyiN9TiX8Pkit4JunHUZ4GBwq3FHo8aUeb\n"
    "fFkFH2rOwYNzvKDhX2kCQQDJuPej7gPS+P5+uXMo1IClYaNFb5m/mjSLy72lIBt7\n"
    "N+5G5sB0HTJD1tDKn336JWmPNDXE6zeaqtwpctOVfUAd\n"
    "-----END RSA PRIVATE KEY-----\n";

static const char p384_key[] =
    "-----BEGIN EC PRIVATE KEY-----\n"
    "MIGkAgEBBDBVuhusbAo2zYV3ArRYTHxsh+UwmJDNl68pFWOD9W7I8MUg5Tz+5YEL\n"
    "bWXr/SrpkV6gBwYFK4EEACKhZANiAARzkIGT3R5VRGlQDWHT+ty/Y1aLZRzttvoz\n"
    "xnC3wtukwj+CiYgb544CfEu8EAZr3aQwAIU/hJ70LxKCZ2JFC4b6Q5zpTwMNOi6N\n"
    "t7Rsys61Q7Ru9uvC9xPg+CBSDr7KNfU=\n"
    "-----END EC PRIVATE KEY-----\n";

static const char locked_key[] =
    "-----BEGIN EC PRIVATE KEY-----\n"
    "Proc-Type: 4,ENCRYPTED\n"
    "DEK-Info: AES-128-CBC,6A47F15DEB0FBA0D8B16517AC5E4A4E6\n"
    "\n"
    "i68RZ5A99uhxamhNuRCF+U3SputGF9aGVqCv7Cqh8ZtJTkoLcSFf/L5tanVGA2Dc\n"
    "SNWcvZiWcWhI20aiqcDOpMc8WoSfLGXsdeDxQ3Bx9mqqitDdpD04uRy3npm850FU\n"
    "ju4iIY8YeZXqXBvrgL1dW9U7nbGEq28E1QSkiaanf6U=\n"
    "-----END EC PRIVATE KEY-----\n";

static const char *hex(const unsigned char *bytes, size_t len)
{
    static char text[2 * 64 + 1];

    for (size_t i = 0; i < len; i++)
        snprintf(text + 2 * i, 3, "%02x", bytes[i]);
    return text;
}

static void test_hashes(void **state)
{
    (void)state;
    unsigned char hash[CRYPTO_SHA256_LEN];

    assert_true(crypto_sha256(SPAN_NONE, hash, NULL));
    assert_string_equal(hex(hash, sizeof hash), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    assert_true(crypto_sha256(SPAN("abc"), hash, NULL));
    assert_string_equal(hex(hash, sizeof hash), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    /* RFC 4231, test case 2 */
    assert_true(crypto_hmac_sha256(SPAN("Jefe"), SPAN("what do ya want for nothing?"), hash, NULL));
    assert_string_equal(hex(hash, sizeof hash), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

/* In pieces, however they are cut. */
static void test_hashes_of_pieces(void **state)
{
    static const char text[] = "The quick brown fox jumps over the lazy dog";
    const struct span whole = { text, sizeof text - 1 };

    (void)state;
    for (size_t cut = 0; cut <= whole.len; cut++) {
        OWN(crypto_hash) pieces = crypto_hash_new();
        unsigned char hash[CRYPTO_SHA256_LEN];
        assert_non_null(pieces);
        crypto_hash_add(pieces, span_cut(whole, 0, cut));
        crypto_hash_add(pieces, SPAN_NONE);
        crypto_hash_add(pieces, span_from(whole, cut));
        assert_true(crypto_hash_end(pieces, hash));
        assert_string_equal(hex(hash, sizeof hash), "d7a8fbb307d7809469ca9abcb0082e4f8d5651e46d3cdb762d02d0bf37c9e592");
    }
}

static struct crypto_key *key_of(const char *pem)
{
    OWN(secret) secret = secret_new(span_of(pem));
    struct crypto_key *key = NULL;
    struct err err = { 0 };

    if (!crypto_key_read(secret, &key, &err))
        fail_msg("%s", err.text);
    return key;
}

/* What a server does with it. */
static bool verifies(const char *pem, enum crypto_signature how, struct span bytes, struct span signature)
{
    BIO *bio = BIO_new_mem_buf(pem, -1);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_PKEY_CTX *details;
    unsigned char der[80];
    const unsigned char *at = (const unsigned char *)signature.at;
    size_t len = signature.len;

    if (how == CRYPTO_ES256) {
        ECDSA_SIG *pair = ECDSA_SIG_new();
        unsigned char *to = der;
        assert_int_equal(signature.len, 64);
        ECDSA_SIG_set0(pair, BN_bin2bn(at, 32, NULL), BN_bin2bn(at + 32, 32, NULL));
        len = (size_t)i2d_ECDSA_SIG(pair, &to);
        at = der;
        ECDSA_SIG_free(pair);
    }
    assert_int_equal(EVP_DigestVerifyInit(context, &details, EVP_sha256(), NULL, key), 1);
    if (how == CRYPTO_PS256) {
        EVP_PKEY_CTX_set_rsa_padding(details, RSA_PKCS1_PSS_PADDING);
        EVP_PKEY_CTX_set_rsa_pss_saltlen(details, RSA_PSS_SALTLEN_DIGEST);
    }
    bool good = EVP_DigestVerify(context, at, len, (const unsigned char *)bytes.at, bytes.len) == 1;
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(key);
    BIO_free(bio);
    return good;
}

static const struct {
    const char *label, *pem;
    enum crypto_signature how;
} kinds[] = {
    { "RS256", rsa_key, CRYPTO_RS256 },
    { "PS256", rsa_key, CRYPTO_PS256 },
    { "ES256", ec_key, CRYPTO_ES256 },
};

static void test_signatures(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(kinds); i++) {
        OWN(crypto_key) key = key_of(kinds[i].pem);
        assert_string_equal(crypto_signature_name(kinds[i].how), kinds[i].label);
        /* r or s begins with a zero byte once in 128: it must keep its place. */
        for (unsigned n = 0; n < (kinds[i].how == CRYPTO_ES256 ? 600 : 1); n++) {
            HELD(buf) out = BUF(2000);
            buf_add(&out, "before");
            check_row(kinds[i].label, crypto_sign(key, kinds[i].how, SPAN("head.body"), &out, NULL));
            struct span made = span_from(buf_span(&out), 6);
            check_row(kinds[i].label, verifies(kinds[i].pem, kinds[i].how, SPAN("head.body"), made));
            check_row(kinds[i].label, !verifies(kinds[i].pem, kinds[i].how, SPAN("head.bodY"), made));
        }
    }
}

static void test_the_wrong_kind(void **state)
{
    (void)state;
    OWN(crypto_key) rsa = key_of(rsa_key);
    OWN(crypto_key) ec = key_of(ec_key);
    HELD(buf) out = BUF(2000);
    struct err err;

    assert_true(crypto_key_is_rsa(rsa));
    assert_false(crypto_key_is_rsa(ec));
    assert_false(crypto_sign(ec, CRYPTO_RS256, SPAN("x"), &out, &err));
    assert_int_equal(err.kind, ERR_INTERNAL);
    assert_false(crypto_sign(rsa, CRYPTO_ES256, SPAN("x"), &out, &err));
    assert_int_equal(out.len, 0);
}

static const struct {
    const char *label, *pem, *words;
} refused[] = {
    { "nothing",            "",         "no private key" },
    { "no PEM",             "hunter2",  "no private key" },
    { "a certificate",      ec_certificate, "no private key" },
    { "behind a pass phrase: nobody is asked", locked_key, "without a pass phrase" },
    { "RSA of 1024 bits",   rsa_small,  "fewer than 2048" },
    { "another curve",      p384_key,   "P-256" },
};

static void test_refused_keys(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(refused); i++) {
        OWN(secret) secret = secret_new(span_of(refused[i].pem));
        struct crypto_key *key = NULL;
        struct err err = { 0 };
        check_row(refused[i].label, !crypto_key_read(secret, &key, &err));
        check_row(refused[i].label, err.kind == ERR_CONFIG && strstr(err.text, refused[i].words));
        check_row(refused[i].label, !strstr(err.text, "hunter2"));
    }
}

static void test_certificate(void **state)
{
    (void)state;
    OWN(crypto_key) rsa = key_of(rsa_key);
    OWN(crypto_key) ec = key_of(ec_key);
    struct crypto_certificate certificate;
    HELD(buf) both = BUF(4000);
    struct err err;

    buf_add(&both, ec_key); /* a file often holds both */
    buf_add(&both, ec_certificate);
    assert_true(crypto_certificate_read(buf_span(&both), ec, &certificate, &err));
    assert_string_equal(hex(certificate.sha256, CRYPTO_SHA256_LEN),
                        "c11a154667531b1d4a1f2c81f5c0d8366af58f507316c6bad0fac453e5a28d9d");
    assert_string_equal(hex(certificate.sha1, CRYPTO_SHA1_LEN), "04af42488fbd89e429a80d926c668cc8230d1af8");
    assert_true(certificate.expires == 4949229777000); /* 2126-11-01 18:02:57 */

    assert_false(crypto_certificate_read(buf_span(&both), rsa, &certificate, &err));
    assert_non_null(strstr(err.text, "another key"));
    assert_false(crypto_certificate_read(span_of(ec_key), NULL, &certificate, &err));
    assert_int_equal(err.kind, ERR_CONFIG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hashes),
        cmocka_unit_test(test_hashes_of_pieces),
        cmocka_unit_test(test_signatures),
        cmocka_unit_test(test_the_wrong_kind),
        cmocka_unit_test(test_refused_keys),
        cmocka_unit_test(test_certificate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
