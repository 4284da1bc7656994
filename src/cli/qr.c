#include "cli/qr.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/str.h"
#include "cli/print.h"
#include "os/module.h"

#include "base/banned.h"

enum { DRAWN_MAX = 256 * 1024 };

/* Outside of the code all is light. */
static bool is_dark(const struct qr *qr, int x, int y)
{
    int side = (int)qr->side;

    return x >= 0 && y >= 0 && x < side && y < side && qr->dark[(size_t)y * qr->side + (size_t)x];
}

void qr_draw(const struct qr *qr, bool colored, struct buf *out)
{
    static const char *const halves[2][2] = { { " ", "\xe2\x96\x84" }, { "\xe2\x96\x80", "\xe2\x96\x88" } };
    int end = (int)qr->side + QR_QUIET;

    for (int y = -QR_QUIET; y < end; y += 2) {
        buf_add(out, colored ? "\x1b[30;47m" : "");
        for (int x = -QR_QUIET; x < end; x++)
            buf_add(out, halves[is_dark(qr, x, y) == colored][is_dark(qr, x, y + 1) == colored]);
        buf_add(out, colored ? "\x1b[0m\n" : "\n");
    }
}

/* ---- where it can be shown ---- */

static bool says_utf8(void)
{
    static const char *const names[] = { "LC_ALL", "LC_CTYPE", "LANG" };

    for (size_t i = 0; i < COUNT(names); i++) {
        const char *value = getenv(names[i]);
        if (value && *value)
            return str_matches(span_of(value), "*utf-8*") || str_matches(span_of(value), "*utf8*");
    }
    return false;
}

static bool is_too_narrow(const struct qr *qr)
{
    struct winsize size;

    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col &&
           size.ws_col < qr->side + 2 * QR_QUIET;
}

static bool make(const char *text, struct qr *ret_qr, struct err *err)
{
    const void *face = NULL;

    return module_load(QR_MODULE, QR_FACE, &face, err) &&
           ((const struct qr_face *)face)->encode(text, ret_qr, err);
}

/* NULL: it can be shown. */
static const char *obstacle(const struct cli *cli, const char *text, struct qr *ret_qr, struct err *err)
{
    if (!cli->draws_on_stderr)
        return "this is no terminal that could show one";
    if (!says_utf8())
        return "the locale is not UTF-8";
    if (!make(text, ret_qr, err))
        return err->text;
    return is_too_narrow(ret_qr) ? "the terminal is too narrow" : NULL;
}

void qr_show(const struct cli *cli, const char *text)
{
    const char *no_color = getenv("NO_COLOR");
    struct qr qr;
    struct err err = { 0 };
    HELD(buf) drawn = BUF(DRAWN_MAX);
    const char *why = obstacle(cli, text, &qr, &err);

    if (why) {
        note(cli, "(No QR code: %s.)", why);
        return;
    }
    qr_draw(&qr, !(no_color && *no_color), &drawn);
    note(cli, "%s", buf_text(&drawn));
}
