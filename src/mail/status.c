#include "mail/status.h"

#include "base/banned.h"

/* RFC 3463, 3.2 to 3.8: the subject sub-codes. */
static const char *const subjects[] = {
    "an undefined status",
    "the address",
    "the mailbox",
    "the mail system",
    "the network or routing",
    "the mail protocol",
    "the message's content",
    "security or policy",
};

bool status_scan(struct scan *scan, uint16_t ret_status[3])
{
    struct scan ahead = *scan;
    uint64_t class, subject, detail;
    char first = scan_peek(scan);

    if (first != '2' && first != '4' && first != '5')
        return false;
    if (!scan_number(&ahead, 2, 5, &class) || !scan_char(&ahead, '.') ||
        !scan_number(&ahead, 0, 999, &subject) || !scan_char(&ahead, '.') ||
        !scan_number(&ahead, 0, 999, &detail))
        return false;
    if (!scan_end(&ahead) && !strchr(" \t\r\n", scan_peek(&ahead)))
        return false;

    *scan = ahead;
    ret_status[0] = (uint16_t)class;
    ret_status[1] = (uint16_t)subject;
    ret_status[2] = (uint16_t)detail;
    return true;
}

bool status_parse(struct span text, uint16_t ret_status[3])
{
    struct scan scan = scan_of(text);
    uint16_t status[3];

    if (!status_scan(&scan, status) || !scan_end(&scan))
        return false;
    memcpy(ret_status, status, sizeof status);
    return true;
}

void status_add(struct buf *out, const uint16_t status[3])
{
    buf_addf(out, "%u.%u.%u", (unsigned)status[0], (unsigned)status[1], (unsigned)status[2]);
}

const char *status_class_words(uint16_t class)
{
    return class == 2   ? "success"
           : class == 4 ? "temporary failure"
           : class == 5 ? "permanent failure"
                        : "an unknown outcome";
}

const char *status_subject_words(uint16_t subject)
{
    return subjects[subject < COUNT(subjects) ? subject : 0];
}
