#include "intake/compose.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/str.h"
#include "intake/compose_int.h"
#include "intake/sender.h"
#include "intake/spool.h"
#include "mail/address.h"
#include "mail/header.h"
#include "mail/words.h"
#include "os/module.h"

#include "base/banned.h"

static void compose_parts_done(struct compose_parts *parts)
{
    compose_text_done(&parts->text);
    compose_text_done(&parts->html);
    for (size_t i = 0; i < parts->file_count; i++)
        compose_file_done(&parts->files[i]);
    mem_free(parts->files);
}

static bool addresses_add(struct buf *out, const struct compose_order *order, const char *what,
                          const char *text, struct err *err)
{
    HELD(address_list) list = { 0 };

    if (!header_check_text("the text", span_of(text), err) ||
        !address_list_parse(span_of(text), order->domain, &list, err))
        return strcmp(what, "From") == 0 ? sender_malformed(err, what) : err_in(err, "%s", what);
    for (size_t i = 0; i < list.count; i++) {
        HELD(buf) name = BUF(HEADER_BLOCK_MAX);
        words_decode(&name, span_of(list.at[i].name));
        out->full |= name.full;
        buf_add(out, out->len ? ", " : "");
        address_add(out, buf_span(&name), span_of(list.at[i].wire));
    }
    return true;
}

/* One field with all the addresses of several lists; none where there is no address. */
static bool field_add(struct buf *header, const struct compose_order *order, const char *name,
                      const char *const *texts, struct err *err)
{
    HELD(buf) value = BUF(HEADER_BLOCK_MAX);

    for (; texts && *texts; texts++)
        if (!addresses_add(&value, order, name, *texts, err))
            return false;
    if (value.len)
        header_fold(header, name, buf_span(&value));
    header->full |= value.full;
    return true;
}

static bool header_make(const struct compose_order *order, struct buf *header, struct err *err)
{
    const char *const from[] = { order->from, NULL };

    if (!field_add(header, order, "From", from, err) || !field_add(header, order, "To", order->to, err) ||
        !field_add(header, order, "Cc", order->cc, err))
        return false;
    if (order->subject) {
        if (!header_check_text("the subject", span_of(order->subject), err))
            return false;
        header_fold_text(header, "Subject", span_of(order->subject));
    }
    buf_add(header, "MIME-Version: 1.0\r\n");
    if (header->full)
        return err_set(err, ERR_LIMIT, "the header is larger than %d KB", HEADER_BLOCK_MAX / 1024);
    return true;
}

static bool html_read(const struct compose_order *order, struct compose_text *ret_text,
                      struct err *err)
{
    if (!order->html)
        return true;
    int fd = open(order->html, O_RDONLY | O_NOCTTY | O_CLOEXEC);
    if (fd < 0)
        return err_sys(err, ERR_INPUT, errno, "%s can't be read", order->html);
    bool good = compose_text_read(order->disk, order->directory, fd, order->html, ret_text, err);
    close(fd);
    return good;
}

static bool files_open(const struct compose_order *order, struct compose_parts *parts,
                       struct err *err)
{
    size_t count = 0;

    while (order->attachments && order->attachments[count])
        count++;
    if (count > COMPOSE_ATTACHMENTS_MAX)
        return err_set(err, ERR_LIMIT, "more than %d attachments", COMPOSE_ATTACHMENTS_MAX);
    parts->files = mem_array(count, sizeof *parts->files);
    if (!parts->files)
        return err_no_memory(err);
    for (; parts->file_count < count; parts->file_count++)
        if (!compose_file_open(order->attachments[parts->file_count],
                               &parts->files[parts->file_count], err))
            return false;
    return true;
}

static bool files_check(const struct compose_parts *parts, struct err *err)
{
    for (size_t i = 0; i < parts->file_count; i++)
        if (!compose_file_check(&parts->files[i], err))
            return false;
    return true;
}

/*= RFC 2045 6.7
 *# A good strategy is to choose a boundary that includes a character sequence such as "=_" which
 *# can never appear in a quoted-printable body.   */
static bool boundaries_make(const struct compose_order *order, struct compose_parts *parts)
{
    enum { EACH = COMPOSE_RANDOM / 2 };

    for (size_t i = 0; i < COUNT(parts->boundaries); i++) {
        HELD(buf) text = BUF(sizeof parts->boundaries[i] - 1);
        buf_add(&text, "=_");
        for (size_t k = 0; k < EACH; k++)
            buf_addf(&text, "%02x", (unsigned)order->random[i * EACH + k]);
        if (text.full)
            return false;
        memcpy(parts->boundaries[i], text.at, text.len + 1);
    }
    return true;
}

static bool parts_read(const struct compose_order *order, struct compose_parts *parts,
                       struct err *err)
{
    if (!files_open(order, parts, err) || !html_read(order, &parts->html, err))
        return false;
    if (order->text_fd >= 0 && !compose_text_read(order->disk, order->directory, order->text_fd,
                                                  "the text", &parts->text, err))
        return false;
    return boundaries_make(order, parts) || err_no_memory(err);
}

bool compose_message(const struct compose_order *order, int *ret_fd, struct err *err)
{
    HELD(compose_parts) parts = { .text = COMPOSE_TEXT_NONE, .html = COMPOSE_TEXT_NONE };
    HELD(spool) spool = spool_begin(order->disk, order->directory), message = SPOOL_NONE;
    HELD(buf) header = BUF(HEADER_BLOCK_MAX);
    const void *face = NULL;

    if (!header_make(order, &header, err) || !parts_read(order, &parts, err))
        return false;
    if (!module_load(COMPOSE_MODULE, COMPOSE_FACE, &face, err))
        return err_in(err, "outpost was built without composing");
    const struct compose_module *module = face;
    spool.large = true;
    if (!spool_add(&spool, buf_span(&header), err) ||
        !spool_give(&spool, &message.fd, err))
        return false;
    message.disk = order->disk;
    if (lseek(message.fd, 0, SEEK_END) < 0 || !module->write(&parts, message.fd, err) ||
        !files_check(&parts, err))
        return false;
    return spool_give(&message, ret_fd, err);
}
