#include "intake/peek.h"

#include <errno.h>
#include <unistd.h>

#include "mail/address.h"
#include "mail/filter.h"
#include "mail/header.h"

#include "base/banned.h"

enum { HEADER_PEEK = 256 * 1024 };

static bool read_front(int fd, struct buf *head, struct err *err)
{
    char *room = buf_room(head, HEADER_PEEK);
    size_t len = 0;

    if (!room)
        return err_no_memory(err);
    while (len < HEADER_PEEK) {
        ssize_t got = pread(fd, room + len, HEADER_PEEK - len, (off_t)len);
        if (got < 0 && errno != EINTR)
            return err_sys(err, ERR_INPUT, errno, "reading the message");
        if (got == 0)
            break;
        len += got < 0 ? 0 : (size_t)got;
    }
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
