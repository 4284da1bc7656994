/* Where nobody can be asked. */
#include "net/reach.h"

#include "base/banned.h"

bool reach_watch(struct loop *loop, void (*came)(void *who), void *who, struct reach **ret_reach, struct err *err)
{
    (void)loop, (void)came, (void)who, (void)ret_reach;
    return err_set(err, ERR_INTERNAL, "this system does not tell of its routes");
}

void reach_free(struct reach *reach)
{
    (void)reach;
}
