/* Lines to HTTPS servers, kept on a loop: curl's multi handles, one a place, driven by libuv. */
#include "base/alloc.h"
#include "base/obj.h"
#include "base/str.h"
#include "net/fetch_curl_int.h"

#include "base/banned.h"

enum {
    SOCKET_MAGIC = 0x73636b74,
    PLACES_MAX = 8,        /* those at which nothing is under way make room */
    IDLE_MS = 60 * 1000,   /* servers hang up after 5 s to some minutes */
};

struct transfer_pool {
    uv_loop_t *loop;
    struct place *places; /* the one that was used last comes first */
};

/* One of curl's sockets, watched. Its memory goes when libuv has let go of it. */
struct socket_watch {
    uint32_t magic;
    uv_poll_t uv;
    curl_socket_t socket;
    struct place *place;
    struct socket_watch *next;
};

/* ---- the end ---- */

static void on_watch_closed(uv_handle_t *handle)
{
    struct socket_watch *watch = OBJ(socket_watch, SOCKET_MAGIC, handle->data);

    OBJ_GONE(watch);
    mem_free(watch);
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct place *place = OBJ(place, PLACE_MAGIC, handle->data);

    if (--place->handles)
        return;
    OBJ_GONE(place);
    mem_free(place);
}

/* The name may hold a proxy's password. Our watching ends before curl closes what was watched. */
static void place_free(struct place *place)
{
    *place->link = place->next;
    if (place->next)
        place->next->link = place->link;
    curl_multi_setopt(place->multi, CURLMOPT_SOCKETFUNCTION, NULL);
    curl_multi_setopt(place->multi, CURLMOPT_TIMERFUNCTION, NULL);
    while (place->watches) {
        struct socket_watch *watch = place->watches;
        place->watches = watch->next;
        uv_close((uv_handle_t *)&watch->uv, on_watch_closed);
    }
    curl_multi_cleanup(place->multi);
    if (place->name)
        str_wipe(place->name, strlen(place->name));
    mem_free(place->name);
    uv_close((uv_handle_t *)&place->timer, on_timer_closed);
    uv_close((uv_handle_t *)&place->idle, on_timer_closed);
}

static void on_idle(uv_timer_t *timer)
{
    place_free(OBJ(place, PLACE_MAGIC, timer->data));
}

/* ---- curl on the loop ---- */

/* After every step of curl's: is something over? Whoever is told may begin the next request, here too. */
static void look(struct place *place)
{
    int left;

    place->busy++;
    for (CURLMsg *message; (message = curl_multi_info_read(place->multi, &left));)
        if (message->msg == CURLMSG_DONE)
            transfer_over(message->easy_handle, message->data.result);
    place_left(place);
}

/* After a failed write there may be an answer to read: a server may refuse, and hang up while we still send. */
static void on_socket(uv_poll_t *handle, int status, int events)
{
    const struct socket_watch *watch = OBJ(socket_watch, SOCKET_MAGIC, handle->data);
    struct place *place = watch->place;
    curl_socket_t socket = watch->socket;
    int running, seen = (events & UV_READABLE ? CURL_CSELECT_IN : 0) |
                        (events & UV_WRITABLE ? CURL_CSELECT_OUT : 0);

    curl_multi_socket_action(place->multi, socket, status < 0 ? CURL_CSELECT_IN : seen, &running);
    if (status < 0)
        curl_multi_socket_action(place->multi, socket, CURL_CSELECT_ERR, &running);
    look(place);
}

static void on_timer(uv_timer_t *timer)
{
    struct place *place = OBJ(place, PLACE_MAGIC, timer->data);
    int running;

    curl_multi_socket_action(place->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    look(place);
}

static int set_timer(CURLM *multi, long ms, void *data)
{
    struct place *place = OBJ(place, PLACE_MAGIC, data);
    (void)multi;

    if (ms < 0)
        uv_timer_stop(&place->timer);
    else
        uv_timer_start(&place->timer, on_timer, (uint64_t)ms, 0);
    return 0;
}

static struct socket_watch *watch_new(struct place *place, curl_socket_t socket)
{
    struct socket_watch *watch = NEW(socket_watch);

    if (!watch)
        return NULL;
    if (uv_poll_init_socket(place->pool->loop, &watch->uv, socket) != 0) {
        mem_free(watch);
        return NULL;
    }
    watch->magic = SOCKET_MAGIC;
    watch->uv.data = watch;
    watch->socket = socket;
    watch->place = place;
    watch->next = place->watches;
    place->watches = watch;
    return watch;
}

static int set_watch(CURL *easy, curl_socket_t socket, int what, void *data, void *unused)
{
    struct place *place = OBJ(place, PLACE_MAGIC, data);
    struct socket_watch **at = &place->watches, *watch;
    (void)easy, (void)unused;

    while (*at && (*at)->socket != socket)
        at = &(*at)->next;
    watch = *at;
    if (what == CURL_POLL_REMOVE) {
        if (watch) {
            *at = watch->next;
            uv_close((uv_handle_t *)&watch->uv, on_watch_closed);
        }
        return 0;
    }
    if (!watch)
        watch = watch_new(place, socket);
    if (!watch)
        return -1; /* curl gives the transfer up */
    int events = (what & CURL_POLL_IN ? UV_READABLE : 0) | (what & CURL_POLL_OUT ? UV_WRITABLE : 0);
    uv_poll_start(&watch->uv, events, on_socket);
    return 0;
}

/* ---- places ---- */

static void put_first(struct place *place)
{
    struct transfer_pool *pool = place->pool;

    if (place->link) {
        *place->link = place->next;
        if (place->next)
            place->next->link = place->link;
    }
    place->next = pool->places;
    place->link = &pool->places;
    if (place->next)
        place->next->link = &place->next;
    pool->places = place;
}

static struct place *place_new(struct transfer_pool *pool, const char *name)
{
    struct place *place = NEW(place);

    if (!place)
        return NULL;
    place->magic = PLACE_MAGIC;
    place->pool = pool;
    place->name = str_copy(name);
    place->multi = curl_multi_init();
    uv_timer_init(pool->loop, &place->timer);
    uv_timer_init(pool->loop, &place->idle);
    uv_unref((uv_handle_t *)&place->idle);
    place->timer.data = place->idle.data = place;
    place->handles = 2;
    put_first(place);
    if (!place->name || !place->multi) {
        place_free(place);
        return NULL;
    }
    curl_multi_setopt(place->multi, CURLMOPT_SOCKETFUNCTION, set_watch);
    curl_multi_setopt(place->multi, CURLMOPT_SOCKETDATA, place);
    curl_multi_setopt(place->multi, CURLMOPT_TIMERFUNCTION, set_timer);
    curl_multi_setopt(place->multi, CURLMOPT_TIMERDATA, place);
    return place;
}

static struct place *find(const struct transfer_pool *pool, const char *name)
{
    struct place *place = pool->places;

    while (place && strcmp(place->name, name) != 0)
        place = place->next;
    return place;
}

/* The last idle one goes where there are many. */
static void make_room(struct transfer_pool *pool)
{
    struct place *idlest = NULL;
    unsigned count = 0;

    for (struct place *place = pool->places; place; place = place->next, count++)
        if (!place->busy)
            idlest = place;
    if (idlest && count >= PLACES_MAX)
        place_free(idlest);
}

struct place *place_enter(struct transfer_pool *pool, const char *name)
{
    struct place *place = find(pool, name);

    if (place) {
        put_first(place);
    } else {
        make_room(pool);
        place = place_new(pool, name);
    }
    if (!place)
        return NULL;
    place->busy++;
    uv_timer_stop(&place->idle);
    return place;
}

void place_left(struct place *place)
{
    if (--place->busy)
        return;
    uv_timer_stop(&place->timer);
    uv_timer_start(&place->idle, on_idle, IDLE_MS, 0);
}

bool lines_keep(const struct transfer_pool *pool, const char *name)
{
    const struct place *place = find(pool, name);

    return place && place->kept;
}

bool lines_open(struct uv_loop_s *loop, struct transfer_pool **ret_pool, struct err *err)
{
    struct transfer_pool *pool = NEW(transfer_pool);

    if (!pool)
        return err_no_memory(err);
    pool->loop = loop;
    *ret_pool = pool;
    return true;
}

void lines_close(struct transfer_pool *pool)
{
    while (pool->places)
        place_free(pool->places);
    mem_free(pool);
}
