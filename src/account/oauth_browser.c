/* A browser of this machine, and the port it comes back to (RFC 8252): authorization code with PKCE. */
#include "account/oauth_signin_int.h"

#include <stdlib.h>

#include "base/obj.h"
#include "net/child.h"
#include "net/serve.h"

#include "base/banned.h"

enum {
    BROWSER_START_MS = 10 * 1000,
    PORT_NOBODY_HAS = 900, /* in the address where nothing listens: below 1024 no other user can */
};

/* ---- the port ---- */

void oauth_browser_end(struct oauth_signin *signin)
{
    child_cancel(signin->child);
    serve_free(signin->serve);
    signin->child = NULL;
    signin->serve = NULL;
    signin->waiting = false;
}

static void redeemed(void *who, const struct oauth_reply *reply, uint64_t retry_after, const struct err *why)
{
    struct oauth_signin *signin = OBJ(oauth_signin, SIGNIN_MAGIC, who);

    (void)retry_after;
    signin->call = NULL;
    oauth_signin_answered(signin, reply, why);
}

static bool redeem(struct oauth_signin *signin, struct err *err)
{
    const struct oauth_way *way = oauth_party_way(signin->party);
    struct oauth_proof proof = oauth_party_proof(signin->party);
    HELD(oauth_form) form = OAUTH_FORM;
    HELD(buf) scope = BUF(OAUTH_URL_MAX);

    return oauth_request_scope(way, signin->purposes, false, &scope, err) &&
           oauth_request_code(way, &proof, &signin->attempt, signin->code, buf_text(&scope), &form, err) &&
           oauth_signin_ask(signin, &form, true, redeemed, err);
}

/* The answer is there: whatever else comes is none. */
static void take_code(struct oauth_signin *signin, struct secret *code)
{
    struct err err = { 0 };

    signin->code = code;
    signin->waiting = false;
    child_cancel(signin->child);
    signin->child = NULL;
    oauth_signin_wake(signin, UINT64_MAX, NULL);
    if (!redeem(signin, &err))
        oauth_signin_fail_soon(signin, &err);
}

static void begins_again(struct oauth_signin *signin)
{
    struct err err = { 0 };

    if (!oauth_browser_begin(signin, &err))
        oauth_signin_fail(signin, &err);
}

/* More than one resource was asked for at once, and the provider won't have it: then one. */
static bool was_too_much(const struct oauth_signin *signin, const struct err *why)
{
    const struct oauth_way *way = oauth_party_way(signin->party);

    return !signin->alone && way->one_resource && way->consent_together &&
           signin->purposes != 1u << signin->first && why->fact &&
           (strcmp(why->fact, "oauth:invalid-scope") == 0 || strcmp(why->fact, "oauth:invalid-request") == 0);
}

static void take_refusal(struct oauth_signin *signin, const struct err *why)
{
    signin->waiting = false;
    if (!was_too_much(signin, why)) {
        oauth_signin_fail_soon(signin, why);
        return;
    }
    signin->alone = true;
    oauth_signin_wake(signin, oauth_signin_now(signin), begins_again);
}

#define PAGE(title, words)                                                                           \
    SPAN("<!DOCTYPE html><html lang=\"en\"><meta charset=\"utf-8\"><title>" title "</title>"         \
         "<h1>" title "</h1><p>" words "</p></html>\n")

static void show(struct serve_request *request, unsigned status, struct span page)
{
    serve_answer(request, &(struct serve_answer){ .status = status, .type = "text/html; charset=utf-8",
                                                  .headers = serve_page_headers, .body = page });
}

/* What the browser brings, if it comes to the right place by the right name. */
static void look_at(struct oauth_signin *signin, struct serve_request *request)
{
    OWN(secret) code = NULL;
    struct err err = { 0 };
    enum oauth_redirect what = oauth_redirect_read(oauth_party_way(signin->party), &signin->attempt,
                                                   request->query, &code, &err);

    if (what == OAUTH_REDIRECT_FOREIGN) {
        show(request, 400, PAGE("Not for us", "This is not the answer that outpost is waiting for."));
        return;
    }
    show(request, 200, what == OAUTH_REDIRECT_CODE
                           ? PAGE("Thank you", "outpost goes on in the terminal. You may close this page.")
                           : PAGE("Not signed in", "What happened stands in the terminal. You may close this page."));
    serve_finish(signin->serve);
    signin->serve = NULL;
    if (what == OAUTH_REDIRECT_CODE)
        take_code(signin, GIVE(code));
    else
        take_refusal(signin, &err);
}

static void asked(void *who, struct serve_request *request)
{
    struct oauth_signin *signin = OBJ(oauth_signin, SIGNIN_MAGIC, who);

    if (!serve_host_is(request, signin->landing.host, serve_port(signin->serve)))
        show(request, 421, PAGE("Not for us", "This address is for one answer only."));
    else if (request->method != SERVE_GET)
        show(request, 405, PAGE("Not for us", "This address is for one answer only."));
    else if (!span_is(request->path, signin->landing.path))
        show(request, 404, PAGE("Nothing here", "This address is for one answer only."));
    else
        look_at(signin, request);
}

/* A port that another has is a failure: it may be there for our answer. A build that has no server in it does
 * without: the answer can still be pasted. */
static bool listen_there(struct oauth_signin *signin, struct err *err)
{
    static const struct serve_events events = { .asked = asked };
    const struct serve_plan plan = { .where = { .address = LISTEN_LOOPBACK, .port = signin->landing.port } };
    struct err why = { 0 };

    if (serve_open(signin->plan.world->secrets.loop, &plan, &events, signin, &signin->serve, &why) ||
        why.kind == ERR_INTERNAL)
        return true;
    *err = why;
    return err_in(err, "listening for the browser's answer");
}

/* ---- patience ---- */

static void nobody_came(struct oauth_signin *signin)
{
    struct err err;

    err_found(&err, ERR_SIGNIN, "oauth:nobody", "nobody came back from the browser in time");
    oauth_signin_fail(signin, &err);
}

static void stops_listening(struct oauth_signin *signin)
{
    serve_free(signin->serve);
    signin->serve = NULL;
    oauth_signin_wake(signin, signin->gives_up, nobody_came);
}

static void begin_waiting(struct oauth_signin *signin)
{
    uint64_t now = oauth_signin_now(signin), most = signin->plan.deadline;
    uint64_t listens = now + OAUTH_BROWSER_PATIENCE_MS;

    signin->waiting = true;
    signin->gives_up = now + OAUTH_PASTE_PATIENCE_MS < most ? now + OAUTH_PASTE_PATIENCE_MS : most;
    if (signin->serve && listens < signin->gives_up)
        oauth_signin_wake(signin, listens, stops_listening);
    else
        oauth_signin_wake(signin, signin->gives_up, nobody_came);
}

/* ---- the browser ---- */

static void tell(struct oauth_signin *signin, bool opened)
{
    const struct oauth_signin_browser told = { buf_text(&signin->url), opened, signin->serve != NULL };

    signin->events.browser(signin->who, &told);
}

static void started(void *who, struct buf *output, const struct err *err)
{
    struct oauth_signin *signin = OBJ(oauth_signin, SIGNIN_MAGIC, who);

    (void)output;
    signin->child = NULL;
    tell(signin, err == NULL);
}

/* The first of $BROWSER, else the desktop's choice where there is a desktop; NULL: none. */
static const char *browser_of(struct buf *word)
{
    const char *named = secure_getenv("BROWSER");
    struct span rest = span_of(named), first;

    if (span_split(&rest, ':', &first) && span_trim(first).len) {
        buf_add_span(word, span_trim(first));
        return word->full ? NULL : buf_text(word);
    }
    return secure_getenv("DISPLAY") || secure_getenv("WAYLAND_DISPLAY") ? "xdg-open" : NULL;
}

/* It outlives us, says nothing on our terminal, and whether it is there shows at once. The address is an
 * argument and no part of the line. */
static bool start_browser(struct oauth_signin *signin)
{
    static const char line[] = "command -v \"$1\" >/dev/null || exit 127; \"$@\" </dev/null >/dev/null 2>&1 &";
    HELD(buf) word = BUF(1024);
    const char *browser = browser_of(&word);
    const char *const argv[] = { "sh", "-c", line, "sh", browser, buf_text(&signin->url), NULL };

    return browser && child_run(signin->plan.world->secrets.loop, argv,
                                oauth_signin_now(signin) + BROWSER_START_MS, started, signin, &signin->child, NULL);
}

/* ---- the beginning ---- */

/* The template with the port in it that is listened at, or one that nobody has. */
static bool redirect_of(struct oauth_signin *signin, const char *template, struct buf *out, struct err *err)
{
    HELD(buf) port = BUF(8);

    buf_addf(&port, "%u", signin->serve ? serve_port(signin->serve) : PORT_NOBODY_HAS);
    return profile_fill(out, template, buf_text(&port)) ||
           err_found(err, ERR_CONFIG, "config:bad", "the redirect address is none");
}

static bool write_url(struct oauth_signin *signin, struct span redirect, struct err *err)
{
    const struct oauth_way *way = oauth_party_way(signin->party);
    const struct account *account = signin->plan.account;
    unsigned char random[OAUTH_RANDOM_LEN];
    HELD(buf) scope = BUF(OAUTH_URL_MAX);

    buf_clear(&signin->url);
    if (!random_fill(signin->plan.world->secrets.dice, random, sizeof random, err) ||
        !oauth_attempt_make(random, redirect, &signin->attempt, err) ||
        !oauth_request_scope(way, signin->alone ? 1u << signin->first : signin->purposes, true, &scope, err) ||
        !oauth_request_browser(way, &signin->attempt, buf_text(&scope), account->address, &signin->url, err))
        return false;
    bool asks_who = span_find_text(buf_span(&scope), "openid") < scope.len;
    signin->nonce = asks_who ? signin->attempt.nonce : NULL;
    return true;
}

bool oauth_browser_begin(struct oauth_signin *signin, struct err *err)
{
    const struct oauth_way *way = oauth_party_way(signin->party);
    const char *template = signin->plan.redirect_uri ? signin->plan.redirect_uri : way->redirect;
    HELD(buf) redirect = BUF(1024);

    if (!way->authorize)
        return err_set(err, ERR_USAGE, "this provider has no sign-in by a browser");
    if (oauth_landing_of(span_of(template), &signin->landing) && !listen_there(signin, err))
        return false;
    if (!redirect_of(signin, template, &redirect, err) || !write_url(signin, buf_span(&redirect), err))
        return false;
    begin_waiting(signin);
    if (!signin->plan.open_browser || !start_browser(signin))
        tell(signin, false);
    return true;
}

bool oauth_signin_pasted(struct oauth_signin *signin, struct span text, struct err *err)
{
    OWN(secret) code = NULL;
    struct span query;
    struct err why = { 0 };

    if (!signin->waiting)
        return err_set(err, ERR_USAGE, "no answer is waited for");
    if (text.len > OAUTH_REDIRECT_MAX || !oauth_redirect_pasted(text, &query, err))
        return text.len <= OAUTH_REDIRECT_MAX ? false : err_set(err, ERR_USAGE, "that is too long");
    enum oauth_redirect what =
        oauth_redirect_read(oauth_party_way(signin->party), &signin->attempt, query, &code, &why);
    if (what == OAUTH_REDIRECT_FOREIGN)
        return err_set(err, ERR_USAGE, "that is the answer to another sign-in than this one");
    serve_free(signin->serve);
    signin->serve = NULL;
    if (what == OAUTH_REDIRECT_CODE)
        take_code(signin, GIVE(code));
    else
        take_refusal(signin, &why);
    return true;
}
