#include "os/random.h"

#include <errno.h>
#include <sys/random.h>
#include <sys/types.h>

#include "base/banned.h"

static bool system_fill(const struct dice *dice, void *at, size_t len)
{
    (void)dice;
    for (size_t got = 0; got < len;) {
        ssize_t n = getrandom((char *)at + got, len - got, 0);
        if (n < 0 && errno != EINTR)
            return false;
        if (n > 0)
            got += (size_t)n;
    }
    return true;
}

const struct dice dice_system = { system_fill };

bool random_fill(const struct dice *dice, void *at, size_t len, struct err *err)
{
    if (!dice->fill(dice, at, len))
        return err_sys(err, ERR_INTERNAL, errno, "no random bytes from the system");
    return true;
}
