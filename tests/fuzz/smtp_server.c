/* A client that says anything. The first octet chooses the plan and how the input is cut;
 * questions are answered by what was read so far. Whatever comes, no message may be kept that
 * holds a bare line end or a NUL, unless it was said to be binary. */
#include <stdint.h>

#include "mail/envelope.h"
#include "smtp/data.h"
#include "smtp/server.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

struct driver {
    unsigned how, questions;
    struct buf body;
};

static void decide(struct smtp_server *server, struct driver *driver)
{
    const struct envelope *envelope = smtp_server_envelope(server);
    struct smtp_answer answer = { .yes = driver->questions++ % 7 != 5 };

    if (smtp_server_question(server) == SMTP_ASK_KEY) {
        OWN(secret) secret = secret_new(SPAN("secret"));
        smtp_server_password(server, secret, 0);
        return;
    }
    if (smtp_server_question(server) == SMTP_ASK_KEEP) {
        struct smtp_data_check check = { .eight = true };
        if (!envelope || !envelope->count || !smtp_server_in_message(server))
            __builtin_trap();
        if (envelope->body != BODY_BINARY &&
            !smtp_data_check(&check, buf_span(&driver->body), true, NULL))
            __builtin_trap();
    }
    smtp_server_answer(server, &answer, 0);
}

static void drive(struct smtp_server *server, struct driver *driver)
{
    for (;;) {
        smtp_server_wrote(server, smtp_server_output(server).len, 0);
        if (!smtp_server_in_message(server))
            buf_clear(&driver->body);
        enum smtp_server_need need = smtp_server_need(server);
        if (need == SMTP_SERVER_QUESTION) {
            decide(server, driver);
        } else if (need == SMTP_SERVER_BODY) {
            buf_add_span(&driver->body, smtp_server_body(server));
            smtp_server_body_kept(server, 0);
        } else if (need == SMTP_SERVER_TLS) {
            smtp_server_secured(server, SPAN("binding"), 0);
        } else {
            return;
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct smtp_server_plan plan = { .name = "mail.example" };
    struct driver driver = { .body = BUF(1 << 22) };
    struct span rest = { (const char *)data, len };

    if (!len)
        return 0;
    driver.how = data[0];
    rest = span_from(rest, 1);
    smtp_extensions_read(SPAN("x\nPIPELINING\nSIZE 5000\n8BITMIME\nSMTPUTF8\nBINARYMIME\nCHUNKING\nDSN\n"
                              "STARTTLS\nFUTURERELEASE 3600\nDELIVERBY\nMT-PRIORITY\nXCLIENT\n"
                              "AUTH PLAIN LOGIN XOAUTH2 OAUTHBEARER CRAM-MD5 SCRAM-SHA-256"), &plan.clear);
    plan.secured = plan.clear;
    plan.must_sign_in = driver.how & 1;
    plan.error_challenge = driver.how & 2;
    plan.repair = driver.how & 32;
    OWN(smtp_server) server = smtp_server_new(&plan, driver.how & 4, 0, NULL);
    if (!server)
        return 0;
    smtp_server_tell_wall(server, 1795389300, 0);
    drive(server, &driver);
    size_t piece = driver.how & 8 ? (driver.how >> 4) + 1 : len;
    while (rest.len && smtp_server_need(server) == SMTP_SERVER_BYTES) {
        smtp_server_recv(server, span_cut(rest, 0, piece), 0);
        rest = span_from(rest, piece);
        drive(server, &driver);
    }
    buf_done(&driver.body);
    return 0;
}
