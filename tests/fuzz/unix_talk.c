/* Whoever sits at the other end of the door, and what he says to sendmail before he hangs up: all of it is heard, in
 * whatever pieces; a message is taken where the first line says 0, and nowhere else; words can be shown. */
#include <assert.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/str.h"
#include "cli/carrier.h"
#include "net/unix_talk.h"
#include "os/clock.h"

enum { SAID_MAX = 64 * 1024, PATIENCE_MS = 60 * 1000 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* The other end, which has said this and says no more. */
static void open_ends(struct span said, int ends[2])
{
    assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0);
    assert(!said.len || send(ends[1], said.at, said.len, MSG_NOSIGNAL) == (ssize_t)said.len);
    shutdown(ends[1], SHUT_WR);
}

static void close_ends(const int ends[2])
{
    close(ends[0]);
    close(ends[1]);
}

/* In pieces of 1 to 256 bytes, as the first of them says. */
static void hear(struct span said)
{
    uint64_t until = clock_now(&clock_system) + PATIENCE_MS;
    size_t most = said.len ? (unsigned char)said.at[0] + 1u : 1, len = 1;
    char piece[256];
    int ends[2];

    open_ends(said, ends);
    for (struct span rest = said; len;) {
        assert(unix_talk_listen(ends[0], piece, most, until, &len, NULL));
        assert(len <= most && len <= rest.len && memcmp(piece, rest.at, len) == 0);
        rest = span_from(rest, len);
        assert(len || !rest.len);
    }
    close_ends(ends);
}

static void carry(struct span said)
{
    struct carrier carrier = CARRIER_NONE;
    HELD(buf) words = BUF(CARRIER_WORDS_MAX + 8);
    struct err err = { 0 };
    int ends[2];

    open_ends(said, ends);
    carrier.talk = ends[0];
    if (carrier_end(&carrier, &words, &err)) {
        assert(span_starts(said, "0") && span_find(said, '\n') < said.len);
        assert(str_is_safe(buf_span(&words)) || words.len >= CARRIER_WORDS_MAX);
    } else {
        assert(err.kind != ERR_NONE && *err.text && str_is_safe(span_of(err.text)));
        assert(carrier.ended || !said.len); /* the end is said to whoever is there */
    }
    close_ends(ends);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct span said = { (const char *)data, len < SAID_MAX ? len : SAID_MAX };

    hear(said);
    carry(said);
    return 0;
}
