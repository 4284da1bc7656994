/* Routes and links by rtnetlink(7); sleep by a timer on the wall's clock that never rings, and is cancelled when that clock
 * jumps against the one that stands while the machine sleeps (timerfd_create(2), TFD_TIMER_CANCEL_ON_SET). */
#include "net/reach.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/alloc.h"
#include "net/loop_int.h"
#include "net/timer.h"
#include "os/clock.h"

#include "base/banned.h"

enum {
    SLEPT_MS = 1000, /* less is no sleep, but two clocks read one after another */
};

struct watch { /* a descriptor on the loop; lives until libuv let go of it */
    uv_poll_t uv;
    int fd;
    struct reach *reach; /* NULL: freed */
};

struct reach {
    struct loop *loop;
    struct watch *routes, *clocks;
    struct timer *timer;
    struct reach_pace pace;
    uint64_t asleep; /* how long the machine slept since it started, and a number */
    void (*came)(void *who);
    void *who;
};

/* ---- what the kernel says ---- */

static bool is_way(const struct nlmsghdr *header)
{
    const struct rtmsg *route = NLMSG_DATA(header);
    const struct ifinfomsg *link = NLMSG_DATA(header);

    switch (header->nlmsg_type) {
    case RTM_NEWROUTE:
        return header->nlmsg_len >= NLMSG_LENGTH(sizeof *route) && route->rtm_type == RTN_UNICAST &&
               route->rtm_table != RT_TABLE_LOCAL && !(route->rtm_flags & (RTM_F_CLONED | RTNH_F_DEAD | RTNH_F_LINKDOWN));
    case RTM_NEWLINK:
        return header->nlmsg_len >= NLMSG_LENGTH(sizeof *link) && (link->ifi_flags & IFF_UP) &&
               (link->ifi_flags & IFF_RUNNING) && !(link->ifi_flags & IFF_LOOPBACK);
    default:
        return false;
    }
}

bool reach_is_news(struct span messages)
{
    struct nlmsghdr header;

    while (messages.len >= sizeof header) {
        union {
            struct nlmsghdr header;
            char room[NLMSG_SPACE(sizeof(struct ifinfomsg))];
        } message = { .room = { 0 } };
        memcpy(&header, messages.at, sizeof header);
        if (header.nlmsg_len < sizeof header || header.nlmsg_len > messages.len)
            return false;
        memcpy(message.room, messages.at,
               header.nlmsg_len < sizeof message.room ? header.nlmsg_len : sizeof message.room);
        if (is_way(&message.header))
            return true;
        messages = span_from(messages, NLMSG_ALIGN(header.nlmsg_len));
    }
    return false;
}

/* ---- telling ---- */

static void news(struct reach *reach)
{
    timer_set(reach->timer, reach_pace(&reach->pace, loop_now(reach->loop)));
}

static void rang(void *who)
{
    struct reach *reach = who;

    reach->came(reach->who);
}

/* More came than it kept for us: something will be among it. */
static void on_routes(uv_poll_t *uv, int status, int events)
{
    struct watch *watch = uv->data;
    char room[8192];
    bool any = false;
    ssize_t len;

    (void)status, (void)events;
    while ((len = recv(watch->fd, room, sizeof room, 0)) > 0 || (len < 0 && (errno == ENOBUFS || errno == EINTR)))
        any |= len < 0 ? errno == ENOBUFS : reach_is_news((struct span){ room, (size_t)len });
    if (any && watch->reach)
        news(watch->reach);
}

static uint64_t asleep(const struct reach *reach)
{
    uv_update_time(loop_uv(reach->loop));
    return clock_now(&clock_system) - loop_now(reach->loop);
}

static bool set_clocks(int fd)
{
    static const struct itimerspec never = { .it_value.tv_sec = sizeof(time_t) > 4 ? (time_t)(INT64_C(1) << 33) : INT32_MAX };

    return timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &never, NULL) == 0;
}

static void on_clocks(uv_poll_t *uv, int status, int events)
{
    struct watch *watch = uv->data;
    uint64_t count;

    (void)status, (void)events;
    bool jumped = read(watch->fd, &count, sizeof count) < 0 && errno == ECANCELED;
    if (!jumped || !watch->reach)
        return;
    if (!set_clocks(watch->fd))
        uv_poll_stop(uv); /* from here on sleep goes unnoticed */
    uint64_t now = asleep(watch->reach), before = watch->reach->asleep;
    watch->reach->asleep = now;
    if (now > before + SLEPT_MS)
        news(watch->reach);
}

/* ---- life ---- */

static void on_closed(uv_handle_t *uv)
{
    struct watch *watch = uv->data;

    close(watch->fd);
    mem_free(watch);
}

static void watch_free(struct watch *watch)
{
    if (!watch)
        return;
    watch->reach = NULL;
    uv_poll_stop(&watch->uv);
    uv_close((uv_handle_t *)&watch->uv, on_closed);
}

/* Takes the descriptor, in any case. */
static bool watch_new(struct reach *reach, int fd, uv_poll_cb told, struct watch **ret_watch, struct err *err)
{
    struct watch *watch = fd >= 0 ? NEW(watch) : NULL;
    int bad = fd < 0 ? errno : !watch ? ENOMEM : loop_errno(uv_poll_init(loop_uv(reach->loop), &watch->uv, fd));

    if (bad) {
        if (fd >= 0)
            close(fd);
        mem_free(watch);
        return err_sys(err, ERR_INTERNAL, bad, "asking to be told of routes");
    }
    watch->fd = fd;
    watch->reach = reach;
    watch->uv.data = watch;
    uv_poll_start(&watch->uv, UV_READABLE, told);
    uv_unref((uv_handle_t *)&watch->uv);
    *ret_watch = watch;
    return true;
}

static int open_routes(void)
{
    const struct sockaddr_nl all = {
        .nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK | RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE,
    };
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);

    if (fd >= 0 && bind(fd, (const struct sockaddr *)&all, sizeof all) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static int open_clocks(void)
{
    int fd = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);

    if (fd >= 0 && !set_clocks(fd)) {
        close(fd);
        return -1;
    }
    return fd;
}

bool reach_watch(struct loop *loop, void (*came)(void *who), void *who, struct reach **ret_reach, struct err *err)
{
    OWN(reach) reach = NEW(reach);

    if (!reach || !(reach->timer = timer_new(loop, rang, reach)))
        return err_no_memory(err);
    reach->loop = loop;
    reach->came = came;
    reach->who = who;
    reach->asleep = asleep(reach);
    if (!watch_new(reach, open_routes(), on_routes, &reach->routes, err) ||
        !watch_new(reach, open_clocks(), on_clocks, &reach->clocks, err))
        return false;
    *ret_reach = GIVE(reach);
    return true;
}

void reach_free(struct reach *reach)
{
    if (!reach)
        return;
    watch_free(reach->routes);
    watch_free(reach->clocks);
    timer_free(reach->timer);
    mem_free(reach);
}
