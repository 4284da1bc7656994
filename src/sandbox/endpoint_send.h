/* The provider's HTTPS API for sending: Microsoft Graph's sendMail with a MIME message, Gmail's messages.send.
 * Pure: which message for whom is asked for, and whether it may. The room's own.
 *
 *     POST /v1.0/me/sendMail, /v1.0/users/ADDRESS/sendMail    text/plain: the message in base64; 4 MB
 *     POST /gmail/v1/users/me/messages/send                   JSON: {"raw": base64url}; 5 MB
 *     POST /upload/gmail/v1/users/me/messages/send?uploadType=media   message/rfc822: as it is; 35 MB
 */
#ifndef OUTPOST_SANDBOX_ENDPOINT_SEND_H
#define OUTPOST_SANDBOX_ENDPOINT_SEND_H

#include "mail/envelope.h"
#include "sandbox/issuer.h"

enum send_form { SEND_NOTHING, SEND_BASE64, SEND_JSON, SEND_AS_IT_IS };

struct send_order {
    enum send_form form;
    size_t user; /* whose mailbox sends */
};

/* Is it a request to send? SEND_NOTHING: no, and others may answer it. */
enum send_form send_form_of(const struct issuer *issuer, const struct serve_request *request);
/* By its head: may it? API_REFUSALS: yes. */
enum api_refusal send_read_head(const struct issuer *issuer, const struct serve_request *request,
                                enum send_form form, uint64_t now, struct send_order *ret_order);
uint64_t send_body_most(enum send_form form);

/* The message in a body that came whole; of SEND_BASE64 and SEND_JSON. API_REFUSALS: it is in *out. */
enum api_refusal send_decode(enum send_form form, struct span body, struct buf *out);

/* By the message's header: from the user, to everybody that To, Cc and Bcc name. API_REFUSALS: *envelope has
 * them. */
enum api_refusal send_address(const struct issuer *issuer, const struct send_order *order, struct span header,
                              struct envelope *envelope);

/* It is kept. */
void send_reply(enum send_form form, const struct identity_moment *moment, struct reply *reply);

#endif
