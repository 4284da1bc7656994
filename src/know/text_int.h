/* What the readers of pasted text share. */
#ifndef OUTPOST_KNOW_TEXT_INT_H
#define OUTPOST_KNOW_TEXT_INT_H

#include "base/scan.h"
#include "know/text.h"

/* The next reply (code, enhanced code, words of all its lines) at or behind the cursor, which then
 * stands behind it. False where there is none any more. Fills err and, where a transcript shows the
 * command that it answers, stage. */
MUST_USE bool text_next_reply(struct scan *scan, struct evidence *ret_reply);

/* As much of the line as is the reply's, where `before` is what stands in front of it: a quoted one ends with its quote, and
 * none goes on into a stack trace. */
struct span text_quoted(struct span line, char before);

/* The code of a refusal that a program names in its own sentence ("SMTP Error (535)", "expected 250, got 552"); the
 * last one, 0 where there is none. */
uint16_t text_loose_code(struct span text);

/* The stage of the SMTP command that stands nearest to the text's end, in a transcript or a log;
 * STAGE_NONE where there is none. Looks at the last 60 lines. */
enum stage text_command_before(struct span text);

/* Does it show an SMTP command of this stage anywhere? */
bool text_has_command(struct span text, enum stage stage);

/* The text without what tells of no failure: where it shows a conversation, what went well (a server's offers,
 * "250-SMTPUTF8", and its yes); the header of a message that came back, and by which ways it went; what a server's
 * log writes of every connection. */
void text_without_success(struct buf *out, struct span text);

/* Is this what a server's log writes of connections good and bad (their end, names that lead elsewhere, signatures),
 * and so tells nothing? */
bool text_is_aside(struct span line);

/* Does a field begin here that only tells by which way a message or a report came: "Received:", "Reporting-MTA:"? */
bool text_is_trace(struct span line);

/* The text without stack frames, settings, paths and empty fields of JSON: what is left when only what somebody says
 * shall count. */
void text_said(struct buf *out, struct span text);

/* The text with blanks in the words of qmail's log, which has underscores in their place ("delivery 7: failure:
 * Remote_host_said:_554_"); the text itself where there are none such, or `out` holds too little. */
struct span text_with_blanks(struct buf *out, struct span text);

/* The text in one line: blanks and line ends squeezed to one space, the "\n" of a quoted string
 * too. */
void text_squeeze(struct buf *out, struct span text);

/* The next word with a dot in it that could be a host's name; the cursor stands behind it. */
MUST_USE bool text_next_host(struct scan *scan, struct span *ret_host);
bool text_is_mail_port(uint64_t number); /* 25 465 587 2525 */

/* Fills found->host and found->port. */
void text_server(const struct knowledge *know, struct span text, struct text_evidence *found);

/* Stage, mechanism and provider, as far as the text shows them... */
void text_circumstances(const struct knowledge *know, struct span text, struct evidence *ret_around);
/* ...and added to a reply that was found in it. */
void text_add_circumstances(const struct evidence *around, struct evidence *evidence);

/* The cause whose id the text is, or which outpost's own words name, in any form in which it tells one; NULL: they are
 * another's, or name none. */
const struct cause *text_named_cause(const struct knowledge *know, struct span text);

/* The recipients of a delivery report, if it is one. Fails only when memory runs out. */
MUST_USE bool text_recipients(const struct knowledge *know, struct span text,
                              struct text_evidence *found, struct err *err);

#endif
