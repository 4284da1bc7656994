#include "cli/signing.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/json.h"
#include "base/str.h"
#include "cli/failure.h"
#include "cli/message.h"
#include "cli/print.h"
#include "cli/qr.h"
#include "cli/transports.h"
#include "mail/date.h"
#include "net/loop.h"
#include "net/timer.h"

#include "base/banned.h"

enum { PASTED_MAX = 8 * 1024, TURN_MS = 100 };

struct wait {
    const struct signing *how;
    struct oauth_signin *signin;
    struct signed_in signed_in;
    struct err err;
    bool done, good, pastes;
};

/* ---- events ---- */

static void browser_json(const struct oauth_signin_browser *browser)
{
    HELD(buf) text = BUF(16 * 1024);
    struct json json = json_to(&text);

    json_open(&json, NULL, '{');
    json_text(&json, "event", "browser");
    json_text(&json, "url", browser->url);
    json_bool(&json, "opened", browser->opened);
    json_bool(&json, "listening", browser->listening);
    json_close(&json);
    say_json(&text);
    fflush(stdout);
}

static void browser(void *who, const struct oauth_signin_browser *browser)
{
    struct wait *w = who;
    struct cli *cli = w->how->cli;
    HELD(buf) url = BUF(8192);

    w->pastes = cli->may_ask && (!browser->opened || !browser->listening);
    if (cli->json) {
        browser_json(browser);
        return;
    }
    str_printable(&url, span_of(browser->url), 4096);
    note(cli, browser->opened ? "Your browser was opened to sign in. If it does not show, open this address:\n\n  %s\n"
                              : "To sign in, open this address in a browser:\n\n  %s\n",
         buf_text(&url));
    if (w->pastes)
        note(cli, "%sWhere the browser ends at a page that can't be shown, paste that page's address here:",
             browser->listening ? "If the browser is on this machine, that is all. " : "");
    else
        note(cli, "Waiting for you to sign in there ...");
}

static void device_json(const struct oauth_signin_device *device)
{
    HELD(buf) text = BUF(8192), expires = BUF(40);
    struct json json = json_to(&text);

    date_add_rfc3339(&expires, device->expires_at / 1000);
    json_open(&json, NULL, '{');
    json_text(&json, "event", "device_code");
    json_text(&json, "user_code", device->user_code);
    json_text(&json, "verification_uri", device->page);
    json_text(&json, "verification_uri_complete", device->page_complete);
    json_text(&json, "expires_at", buf_text(&expires));
    json_close(&json);
    say_json(&text);
    fflush(stdout);
}

static void device(void *who, const struct oauth_signin_device *device)
{
    struct wait *w = who;
    struct cli *cli = w->how->cli;
    HELD(buf) page = BUF(4096), code = BUF(400), expires = BUF(40), until = BUF(60);

    if (cli->json) {
        device_json(device);
        return;
    }
    str_printable(&page, span_of(device->page), 1024);
    str_printable(&code, span_of(device->user_code), 64);
    date_add_rfc3339(&expires, device->expires_at / 1000);
    message_time(buf_span(&expires), &until);
    note(cli, "To sign in, open this page on any device:\n\n  %s\n\nand enter this code:\n\n      %s%s%s\n",
         buf_text(&page), cli->color ? "\x1b[1m" : "", buf_text(&code), cli->color ? "\x1b[0m" : "");
    if (arguments_has(&cli->args, "qr"))
        qr_show(cli, device->page_complete ? device->page_complete : device->page);
    note(cli, "Waiting until %s ... (Ctrl-C gives up)", buf_text(&until));
}

static void done(void *who, const struct oauth_signed_in *result, const struct err *why)
{
    struct wait *w = who;

    w->done = true;
    w->good = result != NULL;
    if (!result) {
        w->err = *why;
        return;
    }
    snprintf(w->signed_in.address, sizeof w->signed_in.address, "%s", result->address ? result->address : "");
    w->signed_in.same_person = result->same_person;
    w->signed_in.clock_wrong = result->clock_wrong;
    w->signed_in.purposes = result->purposes;
}

/* ---- waiting ---- */

static void take_pasted(struct wait *w)
{
    char line[PASTED_MAX];
    struct err err = { 0 };

    if (!fgets(line, sizeof line, stdin)) {
        w->pastes = false;
        return;
    }
    if (!span_trim(span_of(line)).len || !w->signin)
        return;
    if (!oauth_signin_pasted(w->signin, span_trim(span_of(line)), &err))
        note(w->how->cli, "That is not the address this sign-in led to (%s). Paste it once more:", err.text);
    str_wipe(line, sizeof line);
}

static void nothing(void *who)
{
    (void)who; /* the loop has something to wait for */
}

/* The loop's turn and the terminal's: whoever speaks first is heard. */
static bool wait_with_terminal(struct wait *w, struct loop *loop, struct err *err)
{
    struct pollfd input = { .fd = STDIN_FILENO, .events = POLLIN };
    OWN(timer) timer = timer_new(loop, nothing, NULL);

    if (!timer)
        return err_no_memory(err);
    while (!w->done) {
        loop_turn(loop);
        if (!w->done && w->pastes && poll(&input, 1, TURN_MS) > 0)
            take_pasted(w);
        else if (!w->done && !w->pastes)
            loop_run_until(loop, &w->done);
    }
    return true;
}

/* ---- which way ---- */

unsigned signing_purposes(const struct account *account)
{
    unsigned smtp = 1u << CREDENTIAL_SMTP, https = 1u << CREDENTIAL_HTTPS;

    if (account->transport == TRANSPORT_GRAPH || account->transport == TRANSPORT_GMAIL)
        return https;
    if (account->transport == TRANSPORT_SMTP || !account->profile || !account->profile->http_api)
        return smtp;
    return smtp | https;
}

static bool has_display(void)
{
    return getenv("DISPLAY") || getenv("WAYLAND_DISPLAY") || getenv("BROWSER");
}

static void list_flows(unsigned flows, struct buf *out)
{
    for (unsigned i = OAUTH_FLOW_BROWSER; i <= OAUTH_FLOW_APPLICATION; i++)
        if (flows & (1u << i))
            buf_addf(out, "%s%s", out->len ? ", " : "", oauth_flow_word((enum oauth_flow)i));
}

bool signing_check(const struct signing *signing, enum oauth_flow *ret_flow, struct err *err)
{
    const struct cli *cli = signing->cli;
    const char *word = arguments_text(&cli->args, "flow");
    unsigned flows = oauth_flows(signing->account);
    HELD(buf) known = BUF(200);

    list_flows(flows, &known);
    if (word && !oauth_flow_from_word(span_of(word), ret_flow))
        return err_set(err, ERR_USAGE, "--flow takes browser, device or client-credentials");
    if (word && flows && !(flows & (1u << *ret_flow)))
        return err_set(err, ERR_USAGE, "this provider has no %s flow; it has %s", word, buf_text(&known));
    if (word)
        return true;
    if (!cli->may_ask)
        return err_set(err, ERR_USAGE, "signing in takes a person: on a terminal, or say how with --flow (%s)",
                       known.len ? buf_text(&known) : "browser, device, client-credentials");
    bool browses = !flows || ((flows & (1u << OAUTH_FLOW_BROWSER)) &&
                              (has_display() || arguments_has(&cli->args, "no-browser") ||
                               !(flows & (1u << OAUTH_FLOW_DEVICE))));
    *ret_flow = browses                                    ? OAUTH_FLOW_BROWSER
                : flows & (1u << OAUTH_FLOW_DEVICE) ? OAUTH_FLOW_DEVICE
                                                           : OAUTH_FLOW_APPLICATION;
    return true;
}

bool signing_lacks_https(const struct signing *signing, const struct signed_in *signed_in)
{
    return signing->purposes & ~signed_in->purposes & 1u << CREDENTIAL_HTTPS;
}

bool signing_run(const struct signing *signing, struct signed_in *ret_signed_in, struct err *err)
{
    static const struct oauth_signin_events events = { browser, device, done };
    struct cli *cli = signing->cli;
    struct transport_world world;
    struct wait w = { .how = signing };
    struct oauth_signin_plan plan = {
        .world = &world.credentials,
        .account = signing->account,
        .purposes = signing->purposes,
        .open_browser = !arguments_has(&cli->args, "no-browser"),
        .redirect_uri = arguments_text(&cli->args, "redirect-uri"),
        .deadline = UINT64_MAX,
    };

    if (!signing_check(signing, &plan.flow, err) || !cli_transport_world(cli, &world, err))
        return false;
    struct loop *loop = world.credentials.secrets.loop;
    uint64_t patience = cli_network(cli, NULL)->timeout_ms;
    if (patience)
        plan.deadline = loop_now(loop) + patience;
    if (!oauth_signin_start(&plan, &events, &w, &w.signin, err) || !wait_with_terminal(&w, loop, err))
        return false;
    if (w.good && w.signed_in.clock_wrong)
        note(cli, "This machine's clock is more than ten minutes off; set it right, or tokens may be refused.");
    *ret_signed_in = w.signed_in;
    if (!w.good && err)
        *err = w.err;
    return w.good;
}
