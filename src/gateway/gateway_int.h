/* What the files of the gateway share: gateway.c is its life, door.c a listener, guest.c who comes, signing.c and
 * transaction.c what is asked about them, taking.c a message on its way into the queue, waiting.c a client that waits
 * for its outcome, answers.c every no. The room's own. */
#ifndef OUTPOST_GATEWAY_GATEWAY_INT_H
#define OUTPOST_GATEWAY_GATEWAY_INT_H

#include "account/checks.h"
#include "gateway/attempts.h"
#include "gateway/caps.h"
#include "gateway/crowd.h"
#include "gateway/gateway.h"
#include "gateway/users.h"
#include "intake/aliases.h"
#include "intake/local.h"
#include "net/listen.h"
#include "net/server_cert.h"
#include "net/timer.h"
#include "os/clock.h"
#include "os/log.h"
#include "os/random.h"
#include "queue/queue.h"
#include "session/preamble.h"
#include "session/server.h"

enum {
    DOOR_SOCKETS_MAX = 8, /* that are handed over for one listener */
    FACE_PLANS = 4,
};

/* A listener as it is to those who come now: settings, certificate, what is offered. Counted: those who came
 * keep it. */
struct face {
    unsigned users;
    struct gateway *gateway;
    struct face *next, **link; /* of all that there are */
    const struct config *config;
    const struct listen_settings *settings;
    const char *hostname;
    struct server_cert_plan cert_plan;
    struct server_cert *cert; /* NULL: no TLS */
    bool local;               /* only this machine can come */
    struct session_server_plan plans[FACE_PLANS]; /* by enum face_plan */
};
enum face_plan { FACE_FREE = 1, FACE_XCLIENT = 2 }; /* no sign-in is asked for; XCLIENT is taken */

struct door {
    struct gateway *gateway;
    struct door *next;
    char *name;
    char *address; /* as it was written when the sockets were opened */
    uint16_t port; /* that was wanted then */
    struct listener *sockets[DOOR_SOCKETS_MAX];
    size_t socket_count;
    bool waits;          /* for its address; */
    struct err why;      /* which it could not have */
    struct face *face;
    struct refusals refusals;
};

struct known_user { /* what was refused to a user of the configuration */
    struct known_user *next;
    char *name;
    struct refusals refusals;
};

struct gateway {
    struct gateway_world world;
    struct attempts *attempts;
    struct caps *caps;
    struct checks *checks;
    struct timer *timer; /* looks after certificates */
    struct timer *knocks; /* at the addresses of doors that wait */
    char secret[USERS_SECRET_LEN];
    const struct config *config;
    struct door *doors;
    struct face *faces;
    struct guest *guests;
    struct crowd crowd;  /* of them */
    struct timer *calm;  /* since it has gone */
    struct known_user *users;
    struct aliases *aliases; /* as they were at `aliases_at`; NULL: not read yet */
    uint64_t aliases_at;
    char **cert_names; /* NULL ends them */
    bool drains;
    struct timer *emptied; /* since it drains */
    void (*drained)(void *who);
    void *who;
};

/* -- gateway.c -- */

const char *gateway_hostname(const struct gateway *gateway, const struct config *config);
/* One came, or left. */
void gateway_one_came(struct gateway *gateway);
void gateway_one_left(struct gateway *gateway);
uint64_t gateway_wall(const struct gateway *gateway); /* milliseconds */
/* [local] and the aliases, the latter not older than some seconds: as they are now, for old sessions, too. Good until
 * the next turn of the loop. */
const struct local_settings *gateway_local(const struct gateway *gateway);
MUST_USE bool gateway_aliases(struct gateway *gateway, const struct aliases **ret_aliases, struct err *err);

/* -- door.c -- */

MUST_USE bool face_new(struct gateway *gateway, const struct config *config, const struct listen_settings *settings,
                       struct face **ret_face, struct err *err);
struct face *face_hold(struct face *face);
void face_let_go(struct face *face); /* NULL is nothing */
/* Its certificate, where that changed. */
void face_renew(struct face *face, uint64_t now);

/* `may_wait`: one that can't have its address yet is there, and waits. */
MUST_USE bool door_open(struct gateway *gateway, struct face *face, bool may_wait, struct door **ret_door, struct err *err);
bool door_knock(struct door *door); /* tries again; does it listen now? */
void door_close(struct door *door); /* who came stays */
void door_free(struct door *door);
OWNED(door);
struct door *door_find(const struct gateway *gateway, const char *name);

/* -- guest.c -- */

struct taking;
struct waiting;

struct guest {
    struct gateway *gateway;
    struct guest *next, **link; /* link: what points at this one */
    struct door *door;           /* NULL: it is closed */
    struct face *face;
    struct preamble *preamble;
    struct session_server *session;
    struct check *check; /* a password that is being compared */
    struct taking *taking;
    struct waiting *waiting; /* for what becomes of its message */
    struct ip from;      /* family 0: by a Unix socket, or not known */
    bool is_known;       /* we know where it is */
    bool is_in;          /* counted by the caps */
    bool is_unix;
    uint32_t uid;
    char peer[REFUSAL_PEER_MAX];
    const struct user_settings *user; /* signed in */
    char claimed[REFUSAL_USER_MAX + 1]; /* who signs in, as they say */
    bool compared;       /* and a proof was looked at */
    unsigned failed;     /* sign-ins that were counted */
    struct users_choice choice; /* of the sender that was named last */
};

/* Somebody knocked; takes the stream. */
void guest_new(struct door *door, struct stream *stream);
void guest_free(struct guest *guest);
/* Its listener is gone, or drains. */
void guest_drain(struct guest *guest);
/* The same for one who may have gone. */
void guest_drain_if_there(struct gateway *gateway, const struct guest *guest);
struct smtp_server *guest_machine(const struct guest *guest);
uint64_t guest_now(const struct guest *guest); /* the loop's time */

/* -- signing.c -- */

/* Each answers the session, now or later. */
void guest_check_password(struct guest *guest);
void guest_give_key(struct guest *guest);
/* What the machine found out by itself (SCRAM's proofs it looks at alone): before each answer, and at the end. */
void guest_count_sign_ins(struct guest *guest);

/* -- transaction.c -- */

void guest_check_sender(struct guest *guest);
void guest_check_recipient(struct guest *guest);

/* -- taking.c -- */

/* Each answers the session, now or later. */
void taking_begin(struct guest *guest);
void taking_piece(struct guest *guest, struct span piece);
void taking_keep(struct guest *guest);
void taking_forget(struct guest *guest); /* what was begun; nothing is no failure */

/* -- waiting.c -- */

/* Does nothing of this account wait, and does it send? For the store's thread. */
MUST_USE bool waiting_is_fit(struct store *store, const char *account, uint64_t now, bool *ret_is, struct err *err);
/* Answers the session when it is known what became of the message. False: memory is short, and nobody will. */
MUST_USE bool waiting_begin(struct guest *guest, uint64_t id);
void waiting_hurry(struct guest *guest);  /* it has waited long enough */
void waiting_forget(struct guest *guest); /* nothing is no failure */

/* -- answers.c -- */

/* What a failure of ours, or of the message, is answered with; good as long as *err. */
struct smtp_answer answer_of(const struct err *err);
/* Its cause, where it is one of the gateway's; NULL. */
const char *cause_of(const struct err *err);

/* Remembers what was refused, for whoever looks; `text` may be foreign. */
void guest_refused(struct guest *guest, enum stage stage, const char *cause, uint16_t reply, struct span text);
/* The same, and answers the session so. */
void guest_refuse(struct guest *guest, enum stage stage, const char *cause, const struct smtp_answer *answer);
void guest_refuse_for(struct guest *guest, enum stage stage, const struct err *err);
/* Remembers what the machine refused without asking. */
void guest_tell_refusals(struct guest *guest);
/* The same when all is over, with how it ended. */
void guest_tell_end(struct guest *guest, const struct err *why);

#endif
