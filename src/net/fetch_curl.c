/* A request and its answer, by libcurl. */
#include "base/alloc.h"
#include "base/obj.h"
#include "base/str.h"
#include "net/fetch.h"
#include "net/fetch_curl_int.h"
#include "net/trust.h"

#include "base/banned.h"

enum { TRANSFER_MAGIC = 0x6375726c };

struct transfer {
    uint32_t magic;
    struct place *place;
    CURL *easy;
    struct curl_slist *headers, *connect_to, *resolved;
    struct buf body;
    struct span sending;                /* the whole of it, unless it is read piece by piece */
    const struct fetch_upload *upload;
    uint64_t size, taken;               /* of it; how much curl has taken */
    struct err unread;                  /* why it can't be read further */
    bool once, asked, all_left;
    char said[CURL_ERROR_SIZE];
    void (*over)(void *who, const struct transfer_result *result, const struct err *err);
    void *who;
};

/* ---- the end ---- */

/* The lines may hold a token. */
static void wipe_list(struct curl_slist *list)
{
    for (struct curl_slist *line = list; line; line = line->next)
        str_wipe(line->data, strlen(line->data));
    curl_slist_free_all(list);
}

static void transfer_free(struct transfer *transfer)
{
    struct place *place = transfer->place;

    if (place && transfer->easy)
        curl_multi_remove_handle(place->multi, transfer->easy);
    curl_easy_cleanup(transfer->easy);
    wipe_list(transfer->headers);
    curl_slist_free_all(transfer->connect_to);
    curl_slist_free_all(transfer->resolved);
    buf_done(&transfer->body);
    OBJ_GONE(transfer);
    mem_free(transfer);
    if (place)
        place_left(place);
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

static bool left(const struct transfer *transfer)
{
    return transfer->once && transfer->all_left;
}

static void tell(struct transfer *transfer, CURLcode code)
{
    struct transfer_result result = { .body = &transfer->body, .transfer = transfer };
    struct err err = { 0 };
    long status = 0;
    char *redirect = NULL;

    transfer->place->kept = code == CURLE_OK;
    if (code != CURLE_OK) {
        if (transfer->unread.kind != ERR_NONE)
            err = transfer->unread;
        else
            explain(transfer, code, &err);
        if (left(transfer))
            err.kind = ERR_UNKNOWN;
        transfer->over(transfer->who, NULL, &err);
        return;
    }
    curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(transfer->easy, CURLINFO_REDIRECT_URL, &redirect);
    result.status = status > 0 ? (unsigned)status : 0;
    result.redirect = redirect;
    transfer->over(transfer->who, &result, NULL);
}

void transfer_over(CURL *easy, CURLcode code)
{
    char *whose = NULL;

    curl_easy_getinfo(easy, CURLINFO_PRIVATE, &whose);
    struct transfer *transfer = OBJ(transfer, TRANSFER_MAGIC, whose);
    tell(transfer, code);
    transfer_free(transfer);
}

static struct span header(struct transfer *transfer, const char *name)
{
    struct curl_header *found;
    size_t count = 0;

    if (curl_easy_header(transfer->easy, name, 0, CURLH_HEADER, -1, &found) != CURLHE_OK)
        return SPAN_NONE;
    count = found->amount;
    if (curl_easy_header(transfer->easy, name, count - 1, CURLH_HEADER, -1, &found) != CURLHE_OK)
        return SPAN_NONE;
    return span_of(found->value);
}

/* ---- what curl asks ---- */

static size_t take_body(char *bytes, size_t one, size_t len, void *data)
{
    struct transfer *transfer = OBJ(transfer, TRANSFER_MAGIC, data);

    buf_add_span(&transfer->body, (struct span){ bytes, one * len });
    return transfer->body.full ? 0 : one * len;
}

static bool read_piece(struct transfer *transfer, char *room, size_t most, size_t *ret_len)
{
    if (transfer->upload)
        return transfer->upload->read(transfer->upload->of, transfer->taken, room, most, ret_len,
                                      &transfer->unread);
    struct span piece = span_cut(span_from(transfer->sending, (size_t)transfer->taken), 0, most);
    if (piece.len)
        memcpy(room, piece.at, piece.len);
    *ret_len = piece.len;
    return true;
}

static size_t give_body(char *room, size_t one, size_t len, void *data)
{
    struct transfer *transfer = OBJ(transfer, TRANSFER_MAGIC, data);
    uint64_t rest = transfer->size - transfer->taken;
    size_t most = one * len < rest ? one * len : (size_t)rest, got = 0;

    if (most && !read_piece(transfer, room, most, &got))
        return CURL_READFUNC_ABORT;
    transfer->taken += got;
    transfer->all_left |= transfer->taken == transfer->size;
    return got;
}

static int give_again(void *data, curl_off_t at, int from)
{
    struct transfer *transfer = OBJ(transfer, TRANSFER_MAGIC, data);

    if (from != SEEK_SET || at < 0 || (uint64_t)at > transfer->size)
        return CURL_SEEKFUNC_FAIL;
    transfer->taken = (uint64_t)at;
    return CURL_SEEKFUNC_OK;
}

/* A line is there and the request is about to leave; for the second time where the line was an old one, and
 * dead. Had all of it left by then, somebody may have obeyed. */
static int about_to_ask(void *data, char *to, char *from, int to_port, int from_port)
{
    struct transfer *transfer = OBJ(transfer, TRANSFER_MAGIC, data);
    (void)to, (void)from, (void)to_port, (void)from_port;

    if (transfer->asked && transfer->all_left)
        return CURL_PREREQFUNC_ABORT;
    transfer->asked = true;
    transfer->all_left = !transfer->size;
    return CURL_PREREQFUNC_OK;
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
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (plan->any_date)
        curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, trust_any_date);
    curl_easy_setopt(easy, CURLOPT_CAINFO, plan->trust->file);
    curl_easy_setopt(easy, CURLOPT_CAPATH, plan->trust->directory);
    if (!plan->trust->all)
        curl_easy_setopt(easy, CURLOPT_SSL_OPTIONS, (long)CURLSSLOPT_NO_PARTIALCHAIN);
}

static void set_body(struct transfer *transfer, const struct transfer_plan *plan)
{
    CURL *easy = transfer->easy;

    transfer->upload = plan->upload;
    transfer->sending = plan->body;
    transfer->size = plan->upload ? plan->upload->size : plan->body.len;
    curl_easy_setopt(easy, CURLOPT_POST, 1L);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)transfer->size);
    if (!plan->once && !plan->upload) {
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, plan->body.at ? plan->body.at : "");
        return;
    }
    curl_easy_setopt(easy, CURLOPT_READFUNCTION, give_body);
    curl_easy_setopt(easy, CURLOPT_READDATA, transfer);
    curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, give_again);
    curl_easy_setopt(easy, CURLOPT_SEEKDATA, transfer);
}

/* Names are the proxy's to look up: curl calls that socks5h. */
static void set_proxy(CURL *easy, const char *proxy)
{
    static const char socks[] = "socks5://";
    bool by_socks = proxy && strncmp(proxy, socks, strlen(socks)) == 0;

    curl_easy_setopt(easy, CURLOPT_PROXYTYPE, (long)(by_socks ? CURLPROXY_SOCKS5_HOSTNAME : CURLPROXY_HTTP));
    curl_easy_setopt(easy, CURLOPT_PROXY, by_socks ? proxy + strlen(socks) : proxy ? proxy : "");
    curl_easy_setopt(easy, CURLOPT_NOPROXY, "");
}

/* curl counts the silence in whole seconds, and asks once a second. */
static void set_patience(CURL *easy, uint64_t quiet_ms)
{
    if (!quiet_ms)
        return;
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)quiet_ms);
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, (long)((quiet_ms + 999) / 1000));
}

static void set_request(struct transfer *transfer, const struct transfer_plan *plan)
{
    CURL *easy = transfer->easy;

    curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
    curl_easy_setopt(easy, CURLOPT_URL, plan->url);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, plan->plain ? "http,https" : "https");
    curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    set_proxy(easy, plan->proxy);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "outpost");
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, transfer->headers);
    curl_easy_setopt(easy, CURLOPT_CONNECT_TO, transfer->connect_to);
    curl_easy_setopt(easy, CURLOPT_RESOLVE, transfer->resolved);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->said);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
    curl_easy_setopt(easy, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)plan->body_max);
    if (plan->once) {
        transfer->once = true;
        curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, about_to_ask);
        curl_easy_setopt(easy, CURLOPT_PREREQDATA, transfer);
    }
    set_patience(easy, plan->quiet_ms);
    if (plan->post)
        set_body(transfer, plan);
}

static bool begin(struct transfer_pool *pool, const struct transfer_plan *plan,
                  void (*over)(void *who, const struct transfer_result *result, const struct err *err),
                  void *who, struct transfer **ret_transfer, struct err *err)
{
    struct transfer *transfer = NEW(transfer);

    if (!transfer)
        return err_no_memory(err);
    transfer->magic = TRANSFER_MAGIC;
    transfer->over = over;
    transfer->who = who;
    transfer->body = (struct buf)BUF(plan->body_max);
    transfer->place = place_enter(pool, plan->place);
    transfer->easy = curl_easy_init();
    if (!transfer->place || !transfer->easy || !add_lines(transfer, plan)) {
        transfer_free(transfer);
        return err_no_memory(err);
    }
    set_trust(transfer->easy, plan);
    set_request(transfer, plan);
    if (curl_multi_add_handle(transfer->place->multi, transfer->easy) != CURLM_OK) {
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
const struct fetch_face outpost_fetch = { lines_open, lines_close, lines_keep, begin, cancel, left, header };
