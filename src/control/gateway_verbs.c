/* Who listens, and what was refused there. */
#include "control/verbs_int.h"

#include "mail/date.h"
#include "net/cert.h"

#include "base/banned.h"

/* Seconds since 1970. */
static void show_wall(struct json *json, const char *key, uint64_t wall)
{
    HELD(buf) text = BUF(40);

    date_add_rfc3339(&text, wall);
    json_text(json, key, buf_text(&text));
}

static void show_weaknesses(struct json *json, const struct listen_settings *settings)
{
    unsigned weaknesses = listen_weaknesses(settings);

    json_open(json, "weak", '[');
    for (unsigned bit = 1; bit <= LISTEN_OPEN_TO_ALL; bit <<= 1)
        if (weaknesses & bit)
            json_text(json, NULL, listen_weakness_word((enum listen_weakness)bit));
    json_close(json);
}

/* `view` NULL: nobody listens there. */
static void show_listener(struct json *json, const struct listen_settings *settings, const struct gateway_view *view)
{
    json_open(json, NULL, '{');
    json_text(json, "name", settings->name);
    json_text(json, "address", settings->address);
    json_number(json, "port", view ? view->port : listen_port(settings));
    json_text(json, "security", gateway_security_word(settings->security));
    json_bool(json, "open", view && view->open);
    json_text(json, "why", view ? view->why : NULL);
    json_number(json, "sessions", view ? view->sessions : 0);
    json_number(json, "refusals", view ? view->refusals->count : 0);
    show_weaknesses(json, settings);
    if (view && view->certificate)
        show_wall(json, "certificate_until", view->certificate->until);
    else
        json_none(json, "certificate_until");
    json_close(json);
}

void show_listeners(struct json *json, const struct control *control)
{
    const struct listen_settings *settings;
    struct gateway_view view;

    json_open(json, "listeners", '[');
    for (size_t i = 0; control->gateway && gateway_view(control->gateway, i, &view); i++)
        show_listener(json, view.settings, &view);
    for (size_t at = 0; !control->gateway && (settings = config_next(control->config, &listen_part, &at));)
        show_listener(json, settings, NULL);
    json_close(json);
}

static void say_refusal(struct control_asked *asked, const struct refusal *refusal)
{
    struct json json = control_line(asked);

    json_open(&json, NULL, '{');
    show_wall(&json, "time", refusal->wall / 1000);
    json_text(&json, "peer", refusal->peer);
    json_text(&json, "user", *refusal->user ? refusal->user : NULL);
    json_text(&json, "stage", stage_word(refusal->stage));
    json_text(&json, "cause", *refusal->cause ? refusal->cause : NULL);
    if (refusal->reply)
        json_number(&json, "reply", refusal->reply);
    json_text(&json, "text", refusal->text);
    json_close(&json);
    control_say(asked);
}

/* {"verb":"refusals","listener":NAME} or "user": the last ones, the latest first. */
static void begin_refusals(struct control_asked *asked)
{
    const struct json_value *question = json_root(asked->question);
    struct span listener = json_text_at(question, "listener"), user = json_text_at(question, "user");
    const struct gateway *gateway = asked->control->gateway;
    const struct refusals *refusals = NULL;
    const struct refusal *refusal;
    struct gateway_view view;

    if (gateway && listener.at && gateway_find(gateway, listener.at, &view))
        refusals = view.refusals;
    else if (gateway && user.at)
        refusals = gateway_user_refusals(gateway, user.at);
    for (size_t i = 0; refusals && (refusal = refusals_at(refusals, i)); i++)
        say_refusal(asked, refusal);
    control_done(asked);
}

const struct control_verb refusals_verb = { "refusals", FOR_OWNERS, begin_refusals };
