/* Whose name is on a message, by the account that carries it.
 *
 *   the message's sender is        then
 *   the account's, or send_as      it stays
 *   local (bare, @localhost,       From becomes `"root on web1" <account>`; the envelope's the account's
 *     @this host)
 *   another's                      rewrite: From and envelope become the account's, the old From goes to
 *                                    Reply-To unless there is one
 *                                  refuse: ERR_DATA, "sender:foreign"
 *                                  keep: it stays
 *   missing                        From and envelope become the account's
 */
#ifndef OUTPOST_INTAKE_SENDER_H
#define OUTPOST_INTAKE_SENDER_H

#include "account/account.h"
#include "base/buf.h"

struct sender {
    bool replace_from;   /* From (there or not) gives way to `from` */
    bool drop_sender;    /* the field Sender is another's */
    struct buf from;     /* the new value of From */
    struct buf reply_to; /* the value of a Reply-To to be added; empty: none */
    char *address;       /* From's, in the end */
    char *envelope;      /* "" is the null sender */
};

/* `header` is the message's block, `wish` the envelope sender asked for or NULL. More than one From field is
 * refused ("message:header"). */
MUST_USE bool sender_decide(const struct account *account, const char *hostname, struct span header,
                            const char *wish, struct sender *ret_sender, struct err *err);
void sender_done(struct sender *sender);

/* An address that could not be read was to be the sender: it is no recipient that was rejected. Tells where,
 * in front. Always false. */
bool sender_malformed(struct err *err, const char *where);

#endif
