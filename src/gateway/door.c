/* A listener: where it stands, what it shows to those who come, and how it changes while it listens. */
#include "gateway/gateway_int.h"

#include <errno.h>

#include "base/alloc.h"
#include "base/str.h"
#include "net/activation.h"

#include "base/banned.h"

enum {
    HOLD_MAX = 30 * 24 * 60 * 60, /* seconds that a message may be held for: FUTURERELEASE */
    SECOND = 1000,
};

/* -- what is offered -- */

static void offer_mechanism(struct smtp_extensions *extensions, enum sasl_mechanism mechanism)
{
    const char *name = sasl_name(mechanism);

    memcpy(extensions->mechanisms[extensions->mechanism_count++], name, strlen(name) + 1);
}

static void offer_sign_in(struct smtp_extensions *extensions, bool scram, bool bound)
{
    extensions->offered |= SMTP_AUTH;
    if (scram && bound) /* -PLUS binds the sign-in to the TLS it is made in; the machine leaves it out where that can't be */
        offer_mechanism(extensions, SASL_SCRAM_SHA_256_PLUS);
    if (scram)
        offer_mechanism(extensions, SASL_SCRAM_SHA_256);
    offer_mechanism(extensions, SASL_PLAIN);
    offer_mechanism(extensions, SASL_LOGIN);
}

/* What holds everywhere: and each of it is kept to. No BINARYMIME: what came so could not be sent on. */
static struct smtp_extensions offers_of(const struct face *face)
{
    struct smtp_extensions extensions = {
        .offered = SMTP_PIPELINING | SMTP_SIZE | SMTP_8BITMIME | SMTP_SMTPUTF8 | SMTP_CHUNKING | SMTP_DSN |
                   SMTP_ENHANCEDSTATUSCODES | SMTP_LIMITS | SMTP_FUTURERELEASE | SMTP_DELIVERBY |
                   SMTP_MT_PRIORITY,
        .size = users_message_size(face->config, face->settings),
        .rcpt_max = SMTP_SERVER_RECIPIENTS_MAX,
        .hold_max = HOLD_MAX,
    };

    return extensions;
}

static void fill_plan(struct face *face, unsigned which)
{
    const struct listen_settings *settings = face->settings;
    struct session_server_plan *plan = &face->plans[which];
    bool plain_passwords = face->local || settings->plaintext_auth;
    bool scram = users_have_scram(face->config);
    struct smtp_extensions offers = offers_of(face);

    if (which & FACE_XCLIENT)
        offers.offered |= SMTP_XCLIENT;
    *plan = (struct session_server_plan){
        .smtp = {
            .name = face->hostname,
            .clear = offers,
            .secured = offers,
            .must_sign_in = !(which & FACE_FREE),
            .must_secure = !which && !plain_passwords,
            .repair = settings->line_ends == LINE_ENDS_REPAIR,
        },
        .tls = face->cert ? server_cert_context(face->cert) : NULL,
        .tls_first = settings->security == GATEWAY_TLS,
        .clock = face->gateway->world.clock,
    };
    if (face->cert)
        plan->smtp.clear.offered |= SMTP_STARTTLS;
    if (plain_passwords)
        offer_sign_in(&plan->smtp.clear, scram, false);
    offer_sign_in(&plan->smtp.secured, scram, settings->scram_plus);
}

/* -- faces -- */

static bool open_cert(struct face *face, struct err *err)
{
    const struct listen_settings *settings = face->settings;
    struct gateway *gateway = face->gateway;

    if (settings->security == GATEWAY_NONE)
        return true;
    face->cert_plan = (struct server_cert_plan){
        .chain_file = settings->tls_certificate,
        .key_file = settings->tls_key,
        .directory = gateway->world.state,
        .with_rsa = true,
        .names = (const char *const *)gateway->cert_names,
        .minimum = listen_tls_minimum(settings),
        .protocol = "smtp",
        .disk = gateway->world.disk,
    };
    return server_cert_open(&face->cert_plan, gateway_wall(gateway) / SECOND, &face->cert, err);
}

bool face_new(struct gateway *gateway, const struct config *config, const struct listen_settings *settings,
              struct face **ret_face, struct err *err)
{
    struct face *face = NEW(face);

    if (!face)
        return err_no_memory(err);
    face->users = 1;
    face->gateway = gateway;
    face->config = config;
    face->settings = settings;
    face->hostname = gateway_hostname(gateway, config);
    face->local = listen_is_local(settings);
    face->next = gateway->faces;
    face->link = &gateway->faces;
    if (face->next)
        face->next->link = &face->next;
    gateway->faces = face;
    if (!open_cert(face, err)) {
        face_let_go(face);
        return err_in(err, "listen %s", settings->name);
    }
    for (unsigned which = 0; which < FACE_PLANS; which++)
        fill_plan(face, which);
    *ret_face = face;
    return true;
}

struct face *face_hold(struct face *face)
{
    face->users++;
    return face;
}

void face_let_go(struct face *face)
{
    if (!face || --face->users)
        return;
    *face->link = face->next;
    if (face->next)
        face->next->link = face->link;
    server_cert_free(face->cert);
    mem_free(face);
}

void face_renew(struct face *face, uint64_t now)
{
    struct err err = { 0 };
    struct log *log = face->gateway->world.log;
    bool changed = false;

    if (!face->cert)
        return;
    if (!server_cert_renew(face->cert, now, &changed, &err) && log)
        log_event(log, LOG_AT_WARN, "certificate-kept", log_text("listener", face->settings->name),
                  log_text("why", err.text));
    if (!changed)
        return;
    for (unsigned which = 0; which < FACE_PLANS; which++)
        face->plans[which].tls = server_cert_context(face->cert);
    if (log)
        log_event(log, LOG_AT_INFO, "certificate-read", log_text("listener", face->settings->name));
}

/* -- doors -- */

static void came(void *who, struct stream *stream)
{
    guest_new(who, stream);
}

static bool add_socket(struct door *door, const struct listen_plan *plan, struct err *err)
{
    if (door->socket_count == DOOR_SOCKETS_MAX)
        return err_set(err, ERR_CONFIG, "more than %d sockets were handed over", DOOR_SOCKETS_MAX);
    if (!listen_open(door->gateway->world.loop, plan, came, door, &door->sockets[door->socket_count], err))
        return false;
    door->socket_count++;
    return true;
}

/* Those that were handed over under its name stand in the address's place. */
static bool take_inherited(struct door *door, struct err *err)
{
    struct activation *activation = door->gateway->world.activation;

    for (int fd; activation && (fd = activation_next(activation, door->name));)
        if (!add_socket(door, &(struct listen_plan){ .inherited = fd }, err))
            return false;
    return true;
}

static bool open_sockets(struct door *door, struct err *err)
{
    struct listen_address address;
    struct listen_plan plan = { 0 };
    HELD(buf) ip = BUF(64);

    if (!take_inherited(door, err))
        return false;
    if (door->socket_count)
        return true;
    if (!listen_address(door->face->settings, &address))
        return err_set(err, ERR_CONFIG, "the address can't be read"); /* it was checked */
    ip_write(&ip, address.ip);
    plan.port = address.port;
    switch (address.where) {
    case LISTEN_AT_IP:
        plan.address = buf_text(&ip);
        break;
    case LISTEN_AT_LOCALHOST:
        plan.address = LISTEN_LOOPBACK;
        break;
    case LISTEN_AT_ANY:
        plan.address = LISTEN_EVERYWHERE;
        break;
    case LISTEN_AT_UNIX:
        plan.unix_path = address.path;
        plan.unix_mode = door->gateway->world.unix_mode;
        break;
    }
    return add_socket(door, &plan, err);
}

/* By time, or by the hand of whoever has the address, this may pass. */
static bool may_pass(const struct err *err)
{
    return err->sys == EADDRNOTAVAIL || err->sys == EADDRINUSE;
}

bool door_knock(struct door *door)
{
    struct err err = { 0 };

    if (open_sockets(door, &err)) {
        door->waits = false;
        return true;
    }
    door->why = err;
    return false;
}

bool door_open(struct gateway *gateway, struct face *face, bool may_wait, struct door **ret_door, struct err *err)
{
    OWN(door) door = NEW(door);

    if (!door)
        return err_no_memory(err);
    door->gateway = gateway;
    door->name = str_copy(face->settings->name);
    door->address = str_copy(face->settings->address);
    door->port = listen_port(face->settings);
    door->face = face_hold(face);
    if (!door->name || !door->address)
        return err_no_memory(err);
    door->waits = !door_knock(door);
    if (door->waits && !(may_wait && may_pass(&door->why))) {
        if (err)
            *err = door->why;
        return err_in(err, "listen %s", door->name);
    }
    *ret_door = GIVE(door);
    return true;
}

void door_close(struct door *door)
{
    door->waits = false;
    for (size_t i = 0; i < door->socket_count; i++)
        listener_free(GIVE(door->sockets[i]));
    door->socket_count = 0;
}

void door_free(struct door *door)
{
    if (!door)
        return;
    for (struct guest *guest = door->gateway->guests; guest; guest = guest->next)
        if (guest->door == door)
            guest->door = NULL;
    door_close(door);
    face_let_go(door->face);
    mem_free(door->name);
    mem_free(door->address);
    mem_free(door);
}

struct door *door_find(const struct gateway *gateway, const char *name)
{
    for (struct door *door = gateway->doors; door; door = door->next)
        if (strcmp(door->name, name) == 0)
            return door;
    return NULL;
}
