/* Who came: let in or not, served, and gone again. */
#include "gateway/gateway_int.h"

#include "base/alloc.h"

#include "base/banned.h"

static const struct smtp_answer yes = { .yes = true };
static const struct smtp_answer going_down = { false, 421, "4.3.2", "Going down; try again later" };

struct smtp_server *guest_machine(const struct guest *guest)
{
    return session_server_machine(guest->session);
}

uint64_t guest_now(const struct guest *guest)
{
    return loop_now(guest->gateway->world.loop);
}

/* -- where they come from -- */

static struct session_server_plan *plan_for(const struct guest *guest, bool may_xclient)
{
    const struct listen_settings *settings = guest->face->settings;
    unsigned which = 0;

    if (guest->is_unix || (guest->is_known && networks_have(&settings->no_password_from, guest->from)))
        which |= FACE_FREE;
    if (may_xclient)
        which |= FACE_XCLIENT;
    return &guest->face->plans[which];
}

static bool is_in(const struct guest *guest, const struct setting_list *networks)
{
    return guest->is_known && networks_have(networks, guest->from);
}

/* Moves where they are counted. */
static bool count_from(struct guest *guest, struct ip from)
{
    struct caps *caps = guest->gateway->caps;

    if (guest->is_in)
        caps_leave(caps, guest->from);
    guest->from = from;
    guest->is_in = caps_enter(caps, from) == CAPS_IN;
    return guest->is_in;
}

static void name_peer(struct guest *guest, struct ip ip, const char *port)
{
    HELD(buf) text = BUF(REFUSAL_PEER_MAX - 1);

    if (ip.family) {
        buf_add(&text, ip.family == 6 ? "[" : "");
        ip_write(&text, ip);
        buf_addf(&text, "%s:%s", ip.family == 6 ? "]" : "", port);
    } else {
        buf_add(&text, "?");
    }
    memset(guest->peer, 0, sizeof guest->peer);
    memcpy(guest->peer, buf_text(&text), text.len);
}

/* A mail proxy tells for whom it speaks. */
static void check_client(struct guest *guest)
{
    static const struct smtp_answer
        not_allowed = { false, 550, "5.7.1", "This client may not come in" },
        too_many = { false, 421, "4.7.0", "Too many connections" },
        nobody = { false, 550, "5.7.8", "There is no such user" };
    const struct smtp_told *told = smtp_server_told(guest_machine(guest));
    struct ip ip = { 0 };
    bool known = ip_parse(span_of(told->address), &ip);
    const struct user_settings *user = users_find(guest->face->config, span_of(told->login));

    guest->is_known = known;
    name_peer(guest, ip, *told->port ? told->port : "?");
    refusal_text(guest->claimed, sizeof guest->claimed, span_of(told->login));
    if (*told->login && !user) {
        guest_refuse(guest, STAGE_AUTH, "gateway_bad_password", &nobody);
    } else if (known && !listen_allows(guest->face->settings, ip)) {
        guest_refuse(guest, STAGE_CONNECT, "gateway_not_allowed", &not_allowed);
    } else if (!count_from(guest, ip)) {
        guest_refuse(guest, STAGE_CONNECT, "concurrent_limit", &too_many);
    } else {
        guest->user = user;
        smtp_server_change_plan(guest_machine(guest), &plan_for(guest, true)->smtp);
        session_server_answer(guest->session, &yes);
    }
}

/* -- what is told -- */

static void asked(void *who, struct session_server *session, enum smtp_question question)
{
    static void (*const answers[])(struct guest *) = {
        [SMTP_ASK_SIGN_IN]   = guest_check_password,
        [SMTP_ASK_KEY]       = guest_give_key,
        [SMTP_ASK_SENDER]    = guest_check_sender,
        [SMTP_ASK_RECIPIENT] = guest_check_recipient,
        [SMTP_ASK_BEGIN]     = taking_begin,
        [SMTP_ASK_KEEP]      = taking_keep,
        [SMTP_ASK_CLIENT]    = check_client,
    };
    struct guest *guest = who;

    guest->session = session;
    guest_count_sign_ins(guest);
    guest_tell_refusals(guest);
    if (guest->gateway->drains && question == SMTP_ASK_SENDER)
        session_server_answer(session, &going_down);
    else
        answers[question](guest);
}

static void body(void *who, struct session_server *session, struct span piece)
{
    struct guest *guest = who;

    if (guest->taking)
        taking_piece(guest, piece);
    else
        session_server_body_kept(session); /* lost already, and told at its end */
}

static void dropped(void *who, struct session_server *session)
{
    struct guest *guest = who;

    guest->session = session;
    guest_tell_refusals(guest);
    taking_forget(guest);
}

static void over(void *who, struct session_server *session, const struct err *why)
{
    struct guest *guest = who;

    (void)session;
    guest_count_sign_ins(guest);
    guest_tell_end(guest, why);
    guest_free(guest);
}

/* -- coming and going -- */

void guest_free(struct guest *guest)
{
    *guest->link = guest->next;
    if (guest->next)
        guest->next->link = guest->link;
    check_abandon(guest->check);
    taking_forget(guest);
    waiting_forget(guest);
    preamble_free(guest->preamble);
    session_server_free(guest->session);
    if (guest->is_in)
        caps_leave(guest->gateway->caps, guest->from);
    gateway_one_left(guest->gateway);
    face_let_go(guest->face);
    mem_free(guest);
}

static void begin(struct guest *guest, struct stream *stream, bool tls_first, struct span early)
{
    static const struct session_server_events events = { asked, body, dropped, over };
    struct session_server_plan *plan = plan_for(guest, is_in(guest, &guest->face->settings->xclient_from));

    if (!session_serve_from(guest->gateway->world.loop, stream, plan, tls_first, early, &events, guest,
                            &guest->session, NULL))
        guest_free(guest);
}

/* A word, where one can be said without TLS, and the door. Nobody waits until they have heard it: they are counted nowhere,
 * and a crowd of them must not keep the descriptors that others need. */
static void turn_away(struct guest *guest, struct stream *stream, const char *cause, uint16_t code,
                      const char *words)
{
    guest_refused(guest, STAGE_CONNECT, cause, code, span_of(words));
    if (guest->face->settings->security != GATEWAY_TLS) {
        HELD(buf) line = BUF(200);
        buf_addf(&line, "%u %s\r\n", code, words);
        stream_write(stream, buf_span(&line));
    }
    stream_free(stream);
    guest_free(guest);
}

/* Those who may come in, and are not too many. */
static bool let_in(struct guest *guest, struct stream *stream, struct ip from)
{
    if (guest->is_known && !guest->is_unix && !listen_allows(guest->face->settings, from)) {
        turn_away(guest, stream, "gateway_not_allowed", 554, "5.7.1 This client may not come in");
        return false;
    }
    if (!count_from(guest, from)) {
        turn_away(guest, stream, "concurrent_limit", 421, "4.7.0 Too many connections; try again later");
        return false;
    }
    return true;
}

static void found_out(void *who, struct stream *stream, const struct preamble_found *found)
{
    struct guest *guest = who;
    HELD(buf) port = BUF(8);

    guest->preamble = NULL;
    if (!stream) {
        guest_free(guest);
        return;
    }
    if (found->header.len && !found->header.own) {
        /* A balancer that does not know who calls is no reason to take them for itself. */
        guest->is_known = found->header.source.family != 0;
        buf_addf(&port, "%u", (unsigned)found->header.source_port);
        name_peer(guest, found->header.source, buf_text(&port));
        if (!let_in(guest, stream, found->header.source))
            return;
    }
    begin(guest, stream, found->tls_first || guest->face->settings->security == GATEWAY_TLS, found->early);
}

static void look_first(struct guest *guest, struct stream *stream, bool proxy)
{
    const struct preamble_plan plan = {
        .proxy = proxy, .maybe_tls = guest->face->settings->security == GATEWAY_AUTO,
    };

    if (!preamble_read(guest->gateway->world.loop, stream, &plan, found_out, guest, &guest->preamble, NULL))
        guest_free(guest);
}

static void link_in(struct guest *guest, struct door *door)
{
    struct gateway *gateway = door->gateway;

    guest->gateway = gateway;
    guest->door = door;
    guest->face = face_hold(door->face);
    guest->next = gateway->guests;
    guest->link = &gateway->guests;
    if (guest->next)
        guest->next->link = &guest->next;
    gateway->guests = guest;
    gateway_one_came(gateway);
}

void guest_new(struct door *door, struct stream *stream)
{
    struct guest *guest = NEW(guest);
    struct ip from = { 0 };

    if (!guest) {
        stream_free(stream);
        return;
    }
    link_in(guest, door);
    guest->is_unix = stream_peer_user(stream, &guest->uid);
    guest->is_known = guest->is_unix || stream_peer_ip(stream, &from);
    refusal_text(guest->peer, sizeof guest->peer, span_of(stream_peer(stream)));
    guest->from = from;
    bool proxy = !guest->is_unix && is_in(guest, &guest->face->settings->proxy_from);
    if (!guest->is_known) { /* gone already */
        stream_free(stream);
        guest_free(guest);
    } else if (proxy ? count_from(guest, from) : let_in(guest, stream, from)) {
        if (proxy || guest->face->settings->security == GATEWAY_AUTO)
            look_first(guest, stream, proxy);
        else
            begin(guest, stream, guest->face->settings->security == GATEWAY_TLS, SPAN_NONE);
    } else if (proxy) {
        turn_away(guest, stream, "concurrent_limit", 421, "4.7.0 Too many connections; try again later");
    }
}

void guest_drain(struct guest *guest)
{
    if (guest->taking)
        return;
    if (guest->waiting)
        waiting_hurry(guest);
    else if (guest->session)
        session_server_shut(guest->session, going_down.enhanced, going_down.text);
    else
        guest_free(guest);
}

void guest_drain_if_there(struct gateway *gateway, const struct guest *guest)
{
    for (struct guest *one = gateway->guests; one; one = one->next)
        if (one == guest) {
            guest_drain(one);
            return;
        }
}
