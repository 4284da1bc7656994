/* The ladder: a session's sights (session/observer.h), step by step, with the time that each took. Pure: the
 * times come in. A second line of the same sign-in - another token, another name - adds no second set of
 * rungs; EHLO stands there twice where STARTTLS lies between.
 */
#ifndef OUTPOST_DOCTOR_LADDER_H
#define OUTPOST_DOCTOR_LADDER_H

#include "doctor/step.h"
#include "session/observer.h"

enum { LADDER_STEPS_MAX = 20 };

struct ladder {
    struct doctor_step steps[LADDER_STEPS_MAX];
    size_t count;
    struct doctor_step open; /* the one under way */
    bool is_open, signing;   /* signing: what went before is settled */
    unsigned offered, tried; /* mechanisms, as bits of smtp/sasl.h: in the last EHLO, and by AUTH */
    bool masked;             /* something on the way overwrites what the server says: "220 ****" */
    uint64_t from, last;     /* when the last step ended; when the open one last showed something */
    struct tls_description shown; /* the certificates of the last handshake; chain_len 0: none */
    void (*told)(void *who, const struct doctor_step *step); /* each when it is over; may be NULL */
    void *who;
};

void ladder_begin(struct ladder *ladder, uint64_t now, void (*told)(void *who, const struct doctor_step *step),
                  void *who);

/* What a session_observer is told. */
void ladder_saw(struct ladder *ladder, enum session_sight sight, enum stage stage, struct span text, uint64_t now);
void ladder_shook(struct ladder *ladder, const struct tls_description *shown, uint64_t now);

/* A step that no session shows: it begins, gets details (foreign text is made safe here), and is over. */
void ladder_enter(struct ladder *ladder, enum doctor_rung rung);
void ladder_detail(struct ladder *ladder, const char *key, struct span foreign);
void ladder_leave(struct ladder *ladder, enum doctor_state state, uint64_t now);

/* It came to an end: here, and why; the step under way before it was good. */
void ladder_failed(struct ladder *ladder, const struct evidence *evidence, uint64_t now);
/* It came to an end that is none: the open step was good. */
void ladder_went_well(struct ladder *ladder, uint64_t now);

/* Is there a step of this kind already? */
bool ladder_has(const struct ladder *ladder, enum doctor_rung rung);
/* The step that failed; NULL: none did. */
const struct doctor_step *ladder_broken(const struct ladder *ladder);

#endif
