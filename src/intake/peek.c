#include "intake/peek.h"

#include "mail/address.h"
#include "mail/filter.h"
#include "mail/header.h"
#include "os/file.h"

#include "base/banned.h"

enum { HEADER_PEEK = 256 * 1024 };

static bool read_front(int fd, struct buf *head, struct err *err)
{
    char *room = buf_room(head, HEADER_PEEK);
    size_t len;

    if (!room)
        return err_no_memory(err);
    if (!file_read_at(fd, 0, room, HEADER_PEEK, &len, err))
        return false;
    buf_wrote(head, len);
    return true;
}

bool peek_sender(int fd, struct buf *out, struct err *err)
{
    HELD(buf) head = BUF(HEADER_PEEK);
    HELD(buf) body = BUF(4 * HEADER_PEEK);
    OWN(filter) filter = filter_new();
    HELD(address_list) list = { 0 };
    struct header_field from;

    if (!filter)
        return err_no_memory(err);
    if (!read_front(fd, &head, err))
        return false;
    if (filter_feed(filter, buf_span(&head), &body, NULL) && header_find(filter_header(filter), "From", &from) &&
        address_list_parse(from.value, "localhost", &list, NULL) && list.count)
        buf_add(out, list.at[0].wire);
    return true;
}

void peek_bare_address(const char *from, struct buf *out)
{
    HELD(address_list) list = { 0 };

    if (address_list_parse(span_of(from), "localhost", &list, NULL) && list.count)
        buf_add(out, list.at[0].wire);
}
