#include "intake/sender.h"

#include "base/alloc.h"
#include "base/str.h"
#include "intake/aliases.h"
#include "mail/address.h"
#include "mail/header.h"

#include "base/banned.h"

enum owner { OWN_SENDER, LOCAL_SENDER, FOREIGN_SENDER };

/* What every question here is asked of. */
struct asker {
    const struct account *account;
    const char *hostname;
    const char *own; /* the account's address as it goes on the wire */
};

void sender_done(struct sender *sender)
{
    buf_done(&sender->from);
    buf_done(&sender->reply_to);
    mem_free(sender->address);
    mem_free(sender->envelope);
    *sender = (struct sender){ 0 };
}

bool sender_malformed(struct err *err, const char *where)
{
    if (err && err->fact && strcmp(err->fact, "address:malformed") == 0)
        err->fact = "sender:missing";
    return err_in(err, "%s", where);
}

static enum owner owner_of(const struct asker *asker, const struct address *address)
{
    struct span wire = span_of(address->wire), domain = address_domain(address);

    if (span_is_word(wire, asker->own) || account_may_send_as(asker->account, wire))
        return OWN_SENDER;
    /* What a bare name got is the host's name, too. */
    return aliases_is_local(domain, asker->hostname) ? LOCAL_SENDER : FOREIGN_SENDER;
}

static bool refuse(const struct asker *asker, struct span whose, struct err *err)
{
    HELD(buf) shown = BUF(400);

    str_printable(&shown, whose, 300);
    return err_found(err, ERR_DATA, "sender:foreign",
                     "the sender %s is not the account's: it may send as %s and what its send_as names",
                     buf_text(&shown), asker->own);
}

static bool text_set(char **at, struct span text, struct err *err)
{
    mem_free(*at);
    *at = str_copy_span(text);
    return *at || err_no_memory(err);
}

/* `"root on web1" <account>`: who it was and where, in the name of the account that may. */
static void local_from(const struct asker *asker, const struct address *was, struct buf *from)
{
    struct span host = span_of(asker->hostname);
    HELD(buf) name = BUF(2 * ADDRESS_DOMAIN_MAX);

    buf_add_span(&name, address_local(was));
    buf_add(&name, " on ");
    buf_add_span(&name, span_cut(host, 0, span_find(host, '.')));
    from->full |= name.full;
    address_add(from, buf_span(&name), span_of(asker->own));
}

static void account_from(const struct asker *asker, struct buf *from)
{
    address_add(from, span_of(asker->account->person), span_of(asker->own));
}

/* From is `was`, of a field whose value is `value`: does it stay? */
static bool from_decide(const struct asker *asker, const struct address *was, struct span value,
                        struct sender *sender, struct err *err)
{
    enum owner owner = owner_of(asker, was);
    bool keep = asker->account->other_senders == OTHER_SENDERS_KEEP;

    if (owner == FOREIGN_SENDER && asker->account->other_senders == OTHER_SENDERS_REFUSE)
        return refuse(asker, span_of(was->wire), err);
    if (owner == OWN_SENDER || (owner == FOREIGN_SENDER && keep))
        return text_set(&sender->address, span_of(was->wire), err);

    sender->replace_from = true;
    if (owner == LOCAL_SENDER) {
        local_from(asker, was, &sender->from);
    } else {
        account_from(asker, &sender->from);
        header_unfold(&sender->reply_to, value);
    }
    return text_set(&sender->address, span_of(asker->own), err);
}

static bool header_decide(const struct asker *asker, struct span header, struct sender *sender,
                          struct err *err)
{
    struct header_field field;
    HELD(address_list) from = { 0 };

    if (header_count(header, "From") > 1)
        return err_found(err, ERR_DATA, "message:header", "the message has more than one From field");
    if (!header_find(header, "From", &field) || span_trim(field.value).len == 0) {
        sender->replace_from = true;
        account_from(asker, &sender->from);
        return text_set(&sender->address, span_of(asker->own), err);
    }
    if (!address_list_parse(field.value, asker->hostname, &from, err))
        return sender_malformed(err, "From");
    if (from.count == 0)
        return err_found(err, ERR_DATA, "sender:missing", "From names no address");
    if (!from_decide(asker, &from.at[0], field.value, sender, err))
        return false;
    if (header_has(header, "Reply-To"))
        buf_clear(&sender->reply_to);
    return true;
}

/* RFC 5322, 3.6.2: Sender is who sent it for those in From. If that is not us, it would be refused. */
static bool sender_field_decide(const struct asker *asker, struct span header, struct sender *sender,
                                struct err *err)
{
    struct header_field field;
    HELD(address_list) list = { 0 };

    if (asker->account->other_senders == OTHER_SENDERS_KEEP || !header_find(header, "Sender", &field))
        return true;
    if (!address_list_parse(field.value, asker->hostname, &list, err))
        return sender_malformed(err, "Sender");
    sender->drop_sender = list.count != 1 || owner_of(asker, &list.at[0]) != OWN_SENDER;
    return true;
}

static bool envelope_decide(const struct asker *asker, const char *wish, struct sender *sender,
                            struct err *err)
{
    HELD(address) address = { 0 };
    struct span text = span_of(wish);

    if (!wish)
        return text_set(&sender->envelope, span_of(sender->address), err);
    if (text.len > 2 && text.at[0] == '<' && text.at[text.len - 1] == '>')
        text = span_cut(text, 1, text.len - 1);
    if (text.len == 0 || span_is(text, "<>"))
        return text_set(&sender->envelope, SPAN(""), err);
    if (!address_parse_bare(text, asker->hostname, &address, err))
        return sender_malformed(err, "the envelope sender");

    enum owner owner = owner_of(asker, &address);
    if (owner == FOREIGN_SENDER && asker->account->other_senders == OTHER_SENDERS_REFUSE)
        return refuse(asker, span_of(address.wire), err);
    bool stays = owner == OWN_SENDER ||
                 (owner == FOREIGN_SENDER && asker->account->other_senders == OTHER_SENDERS_KEEP);
    return text_set(&sender->envelope, span_of(stays ? address.wire : asker->own), err);
}

bool sender_decide(const struct account *account, const char *hostname, struct span header,
                   const char *wish, struct sender *ret_sender, struct err *err)
{
    HELD(address) own = { 0 };
    HELD(sender) sender = {
        .from = BUF(HEADER_BLOCK_MAX),
        .reply_to = BUF(HEADER_BLOCK_MAX),
    };

    if (!address_parse(span_of(account->address), &own, err))
        return err_in(err, "the account's address");
    const struct asker asker = { account, hostname, own.wire };
    if (!header_decide(&asker, header, &sender, err) ||
        !sender_field_decide(&asker, header, &sender, err) ||
        !envelope_decide(&asker, wish, &sender, err))
        return false;
    if (sender.from.full || sender.reply_to.full)
        return err_no_memory(err);

    *ret_sender = sender;
    sender = (struct sender){ 0 };
    return true;
}
