#include "net/fetch_face.h"

#include <curl/curl.h>
#include <uv.h>

#include "base/alloc.h"
#include "base/obj.h"
#include "base/str.h"

#include "base/banned.h"

enum { TRANSFER_MAGIC = 0x6375726c, SOCKET_MAGIC = 0x73636b74 };

struct transfer {
    uint32_t magic;
    uv_loop_t *loop;
    CURLM *multi;
    CURL *easy;
    struct curl_slist *headers, *connect_to, *resolved;
    uv_timer_t timer; /* when curl wants to be called although nothing came */
    struct socket_watch *watches;
    struct buf body;
    char said[CURL_ERROR_SIZE];
    void (*over)(void *who, const struct transfer_result *result, const struct err *err);
    void *who;
};

/* One of curl's sockets, watched. Its memory goes when libuv has let go of it. */
struct socket_watch {
    uint32_t magic;
    uv_poll_t uv;
    curl_socket_t socket;
    struct transfer *transfer;
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
    struct transfer *transfer = OBJ(transfer, TRANSFER_MAGIC, handle->data);

    OBJ_GONE(transfer);
    mem_free(transfer);
}

/* The lines may hold a token. */
static void wipe_list(struct curl_slist *list)
{
    for (struct curl_slist *line = list; line; line = line->next)
        str_wipe(line->data, strlen(line->data));
    curl_slist_free_all(list);
}

/* Our watching ends before curl closes what was watched. */
static void transfer_free(struct transfer *transfer)
{
    curl_multi_setopt(transfer->multi, CURLMOPT_SOCKETFUNCTION, NULL);
    curl_multi_setopt(transfer->multi, CURLMOPT_TIMERFUNCTION, NULL);
    while (transfer->watches) {
        struct socket_watch *watch = transfer->watches;
        transfer->watches = watch->next;
        uv_close((uv_handle_t *)&watch->uv, on_watch_closed);
    }
    if (transfer->multi && transfer->easy)
        curl_multi_remove_handle(transfer->multi, transfer->easy);
    curl_easy_cleanup(transfer->easy);
    curl_multi_cleanup(transfer->multi);
    wipe_list(transfer->headers);
    curl_slist_free_all(transfer->connect_to);
    curl_slist_free_all(transfer->resolved);
    buf_done(&transfer->body);
    uv_close((uv_handle_t *)&transfer->timer, on_timer_closed);
}

/* OpenSSL's verdicts (X509_V_ERR_...), as curl hands them on. It looks at the name after the handshake and
 * before it asks for the verdict: where there is none yet, the name did not fit. */
static const struct {
    long verdict;
    const char *fact;
} verdicts[] = {
    { 0, "cert:hostname" },
    { 1, "cert:hostname" },
    { 9, "cert:not-yet-valid" },
    { 10, "cert:expired" },
    { 18, "cert:self-signed" },
    { 23, "cert:revoked" },
};

static const char *certificate_fact(CURL *easy)
{
    long verdict = -1;

    curl_easy_getinfo(easy, CURLINFO_SSL_VERIFYRESULT, &verdict);
    for (size_t i = 0; i < COUNT(verdicts); i++)
        if (verdicts[i].verdict == verdict)
            return verdicts[i].fact;
    return "cert:untrusted-issuer";
}

static void explain(const struct transfer *transfer, CURLcode code, struct err *err)
{
    const char *why = transfer->said[0] ? transfer->said : curl_easy_strerror(code);
    HELD(buf) text = BUF(ERR_TEXT_MAX);

    str_printable(&text, span_of(why), ERR_TEXT_MAX / 2);
    switch (code) {
    case CURLE_PEER_FAILED_VERIFICATION:
        err_found(err, ERR_CERTIFICATE, certificate_fact(transfer->easy), "%s", buf_text(&text));
        break;
    case CURLE_SSL_CACERT_BADFILE:
        err_found(err, ERR_CONFIG, "cert:no-ca-bundle", "%s", buf_text(&text));
        break;
    case CURLE_SSL_CONNECT_ERROR:
        err_found(err, ERR_TLS, "tls:handshake", "%s", buf_text(&text));
        break;
    case CURLE_FILESIZE_EXCEEDED:
        err_set(err, ERR_LIMIT, "the answer is larger than %zu KB", transfer->body.ceiling / 1024);
        break;
    case CURLE_WRITE_ERROR:
        err_set(err, ERR_LIMIT, "the answer is larger than %zu KB, or no memory is left",
                transfer->body.ceiling / 1024);
        break;
    case CURLE_OUT_OF_MEMORY:
        err_no_memory(err);
        break;
    default:
        err_found(err, ERR_NETWORK, "https:unreachable", "%s", buf_text(&text));
    }
}

static void tell(struct transfer *transfer, CURLcode code)
{
    struct transfer_result result = { .body = &transfer->body };
    struct err err = { 0 };
    long status = 0;
    char *redirect = NULL;

    if (code != CURLE_OK) {
        explain(transfer, code, &err);
        transfer->over(transfer->who, NULL, &err);
        return;
    }
    curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(transfer->easy, CURLINFO_REDIRECT_URL, &redirect);
    result.status = status > 0 ? (unsigned)status : 0;
    result.redirect = redirect;
    transfer->over(transfer->who, &result, NULL);
}

/* After every step of curl's: is it over? Then everything here is gone. */
static void look(struct transfer *transfer)
{
    int left;

    for (CURLMsg *message; (message = curl_multi_info_read(transfer->multi, &left));) {
        if (message->msg != CURLMSG_DONE)
            continue;
        tell(transfer, message->data.result);
        transfer_free(transfer);
        return;
    }
}

/* ---- curl on the loop ---- */

static void on_socket(uv_poll_t *handle, int status, int events)
{
    struct socket_watch *watch = OBJ(socket_watch, SOCKET_MAGIC, handle->data);
    struct transfer *transfer = watch->transfer;
    int running, seen = (events & UV_READABLE ? CURL_CSELECT_IN : 0) |
                        (events & UV_WRITABLE ? CURL_CSELECT_OUT : 0);

    curl_multi_socket_action(transfer->multi, watch->socket, status < 0 ? CURL_CSELECT_ERR : seen,
                             &running);
    look(transfer);
}

static void on_timer(uv_timer_t *timer)
{
    struct transfer *transfer = OBJ(transfer, TRANSFER_MAGIC, timer->data);
    int running;

    curl_multi_socket_action(transfer->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    look(transfer);
}

static int set_timer(CURLM *multi, long ms, void *data)
{
    struct transfer *transfer = OBJ(transfer, TRANSFER_MAGIC, data);
    (void)multi;

    if (ms < 0)
        uv_timer_stop(&transfer->timer);
    else
        uv_timer_start(&transfer->timer, on_timer, (uint64_t)ms, 0);
    return 0;
}

static struct socket_watch *watch_new(struct transfer *transfer, curl_socket_t socket)
{
    struct socket_watch *watch = NEW(socket_watch);

    if (!watch)
        return NULL;
    if (uv_poll_init_socket(transfer->loop, &watch->uv, socket) != 0) {
        mem_free(watch);
        return NULL;
    }
    watch->magic = SOCKET_MAGIC;
    watch->uv.data = watch;
    watch->socket = socket;
    watch->transfer = transfer;
    watch->next = transfer->watches;
    transfer->watches = watch;
    return watch;
}

static int set_watch(CURL *easy, curl_socket_t socket, int what, void *data, void *unused)
{
    struct transfer *transfer = OBJ(transfer, TRANSFER_MAGIC, data);
    struct socket_watch **at = &transfer->watches, *watch;
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
        watch = watch_new(transfer, socket);
    if (!watch)
        return -1; /* curl gives the transfer up */
    int events = (what & CURL_POLL_IN ? UV_READABLE : 0) | (what & CURL_POLL_OUT ? UV_WRITABLE : 0);
    uv_poll_start(&watch->uv, events, on_socket);
    return 0;
}

static size_t take_body(char *bytes, size_t one, size_t len, void *data)
{
    struct transfer *transfer = OBJ(transfer, TRANSFER_MAGIC, data);

    buf_add_span(&transfer->body, (struct span){ bytes, one * len });
    return transfer->body.full ? 0 : one * len;
}

/* ---- the beginning ---- */

static bool add_line(struct curl_slist **list, const char *line)
{
    struct curl_slist *longer = curl_slist_append(*list, line);

    if (longer)
        *list = longer;
    return longer;
}

static bool add_lines(struct transfer *transfer, const struct transfer_plan *plan)
{
    for (const char *const *line = plan->headers; line && *line; line++)
        if (!add_line(&transfer->headers, *line))
            return false;
    return (!plan->connect_to || add_line(&transfer->connect_to, plan->connect_to)) &&
           (!plan->resolved || add_line(&transfer->resolved, plan->resolved));
}

static void set_trust(CURL *easy, const struct transfer_plan *plan)
{
    char *hashed = NULL;

    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (plan->ca_file || plan->ca_directory) {
        curl_easy_setopt(easy, CURLOPT_CAINFO, plan->ca_file);
        curl_easy_setopt(easy, CURLOPT_CAPATH, plan->ca_directory);
        return;
    }
    /* Where there is a directory to look an issuer up in, the whole bundle is not worth reading. */
    curl_easy_getinfo(easy, CURLINFO_CAPATH, &hashed);
    if (hashed)
        curl_easy_setopt(easy, CURLOPT_CAINFO, NULL);
}

static void set_request(struct transfer *transfer, const struct transfer_plan *plan)
{
    CURL *easy = transfer->easy;

    curl_easy_setopt(easy, CURLOPT_URL, plan->url);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "https");
    curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_PROXY, plan->proxy ? plan->proxy : "");
    curl_easy_setopt(easy, CURLOPT_NOPROXY, "");
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "outpost");
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, transfer->headers);
    curl_easy_setopt(easy, CURLOPT_CONNECT_TO, transfer->connect_to);
    curl_easy_setopt(easy, CURLOPT_RESOLVE, transfer->resolved);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->said);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
    curl_easy_setopt(easy, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)plan->body_max);
    if (plan->post) {
        curl_easy_setopt(easy, CURLOPT_POST, 1L);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)plan->body.len);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, plan->body.at ? plan->body.at : "");
    }
}

static bool begin(struct uv_loop_s *loop, const struct transfer_plan *plan,
                  void (*over)(void *who, const struct transfer_result *result, const struct err *err),
                  void *who, struct transfer **ret_transfer, struct err *err)
{
    struct transfer *transfer = NEW(transfer);

    if (!transfer)
        return err_no_memory(err);
    transfer->magic = TRANSFER_MAGIC;
    transfer->loop = loop;
    transfer->over = over;
    transfer->who = who;
    transfer->body = (struct buf)BUF(plan->body_max);
    uv_timer_init(loop, &transfer->timer);
    transfer->timer.data = transfer;
    transfer->multi = curl_multi_init();
    transfer->easy = curl_easy_init();
    if (!transfer->multi || !transfer->easy || !add_lines(transfer, plan)) {
        transfer_free(transfer);
        return err_no_memory(err);
    }
    curl_multi_setopt(transfer->multi, CURLMOPT_SOCKETFUNCTION, set_watch);
    curl_multi_setopt(transfer->multi, CURLMOPT_SOCKETDATA, transfer);
    curl_multi_setopt(transfer->multi, CURLMOPT_TIMERFUNCTION, set_timer);
    curl_multi_setopt(transfer->multi, CURLMOPT_TIMERDATA, transfer);
    set_trust(transfer->easy, plan);
    set_request(transfer, plan);
    if (curl_multi_add_handle(transfer->multi, transfer->easy) != CURLM_OK) {
        transfer_free(transfer);
        return err_no_memory(err);
    }
    *ret_transfer = transfer;
    return true;
}

static void cancel(struct transfer *transfer)
{
    transfer_free(transfer);
}

__attribute__((visibility("default"))) extern const struct fetch_face outpost_fetch;
const struct fetch_face outpost_fetch = { begin, cancel };
