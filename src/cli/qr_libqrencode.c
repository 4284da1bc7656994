/* The face of libqrencode to us. A module. */
#include <errno.h>
#include <qrencode.h>

#include "cli/qr.h"

#include "base/banned.h"

__attribute__((visibility("default"))) extern const struct qr_face outpost_qr;

/* On a screen nothing is torn off: the least correction makes the smallest code. */
static bool encode(const char *text, struct qr *ret_qr, struct err *err)
{
    QRcode *code = QRcode_encodeString8bit(text, 0, QR_ECLEVEL_L);

    if (!code)
        return errno == ENOMEM ? err_no_memory(err) : err_set(err, ERR_LIMIT, "the text is too long for a QR code");
    ret_qr->side = (unsigned)code->width < QR_SIDE_MAX ? (unsigned)code->width : QR_SIDE_MAX;
    for (size_t i = 0; i < (size_t)ret_qr->side * ret_qr->side; i++)
        ret_qr->dark[i] = code->data[i] & 1;
    QRcode_free(code);
    return true;
}

const struct qr_face outpost_qr = { encode };
