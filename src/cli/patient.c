#include "cli/patient.h"

#include <stdio.h>

#include "base/str.h"
#include "cli/proving.h"
#include "cli/print.h"
#include "mail/address.h"
#include "net/loop.h"
#include "net/resolve.h"

#include "base/banned.h"

enum { KNOCK_MS = 4 * 1000, ADDRESS_SLIPS = 3 };

/* ---- a server ---- */

static enum security customary(uint16_t port)
{
    static const uint16_t at_once[] = { 465, 443, 993, 995 }; /* of the last three somebody will be told */

    for (size_t i = 0; i < COUNT(at_once); i++)
        if (port == at_once[i])
            return SECURITY_TLS;
    return SECURITY_STARTTLS;
}

/* "HOST", "HOST:PORT", "[2001:db8::1]:465"; what is neither stays whole, for the doctor to say what is wrong with it. */
static bool read_server(struct patient *p, struct span text, struct err *err)
{
    size_t colon = span_find_last(text, ':');
    bool bracketed = text.len && text.at[0] == '[', url = span_find_text(text, "://") < text.len;
    struct span host = text;
    HELD(buf) ascii = BUF(ADDRESS_DOMAIN_MAX);
    struct ip ip;

    if (!url && !ip_parse(text, &ip) && colon < text.len) {
        host = span_cut(text, 0, colon);
        if (!str_to_u16(span_from(text, colon + 1), 1, UINT16_MAX, &p->port))
            return err_set(err, ERR_USAGE, "the port behind the colon is a number up to 65535");
    }
    if (bracketed && ip_parse(host, &ip))
        host = span_cut(host, 1, host.len - 1);
    if (!str_is_ascii(host) && address_domain_parse(host, &ascii, NULL))
        host = buf_span(&ascii); /* as it is looked up, and as it stands in certificates (RFC 5890) */
    if (host.len >= sizeof p->host)
        return err_found(err, ERR_USAGE, "name:malformed", "that is too long for a server's name");
    for (size_t i = 0; i < host.len; i++)
        p->host[i] = str_lower(host.at[i]);
    return true;
}

/* What a profile says of this server. */
static void take_known(struct patient *p, const struct knowledge *know)
{
    const struct profile *profile = know_profile_of_host(know, span_of(p->host));

    for (size_t i = 0; profile && i < profile->server_count; i++) {
        const struct profile_server *server = &profile->servers[i];
        if (strcmp(server->host, p->host) != 0 || (p->port && p->port != server->port))
            continue;
        p->port = server->port;
        if (!p->is_sure)
            p->security = server->security;
        p->is_sure = true;
        return;
    }
}

static bool add_way(struct candidates *candidates, const struct patient *p, uint16_t port, const struct knowledge *know)
{
    struct candidate candidate = { .source = SOURCE_GIVEN, .port = port, .security = customary(port) };

    snprintf(candidate.host, sizeof candidate.host, "%.*s", CANDIDATE_HOST_MAX - 1, p->host);
    return candidates_add(candidates, &candidate, SPAN_NONE, know);
}

/* The best that answers, else the best. False: none at all. */
static bool knock(struct cli *cli, struct candidates *candidates, struct patient *p, struct err *err)
{
    const struct network *network = cli_network(cli, err);
    struct proving proving = { .cli = cli, .address = p->address };
    OWN(proofs) proofs = NULL;

    if (!network)
        return false;
    proving.patience_ms = network->connect_timeout_ms ? network->connect_timeout_ms : KNOCK_MS;
    if (!proving_run(&proving, candidates, &proofs, err))
        return false;
    const struct candidate *best = proofs->chosen ? proofs->chosen : &candidates->at[0];
    snprintf(p->host, sizeof p->host, "%s", best->host);
    p->port = best->port;
    p->security = best->security;
    p->is_sure = true;
    return true;
}

/* Nobody says which port: those that are customary are knocked at. */
static bool choose_port(struct cli *cli, struct patient *p, const struct knowledge *know, struct err *err)
{
    struct candidates candidates = { 0 };

    if (p->port) {
        p->security = p->is_sure ? p->security : customary(p->port);
        return true;
    }
    bool added = add_way(&candidates, p, 587, know) && add_way(&candidates, p, 465, know) &&
                 add_way(&candidates, p, 25, know);
    if (added)
        return knock(cli, &candidates, p, err);
    p->port = 587; /* no name of a host: the doctor says so */
    p->security = SECURITY_STARTTLS;
    return true;
}

static bool find_server(struct cli *cli, struct span text, struct patient *p, struct err *err)
{
    const struct knowledge *know = cli_knowledge(cli, err);
    const char *word = arguments_text(&cli->args, "security");

    if (!know || !read_server(p, text, err))
        return false;
    if (word && (!security_from_word(span_of(word), &p->security) || p->security == SECURITY_NONE))
        return err_set(err, ERR_USAGE, "--security takes tls or starttls");
    p->is_sure = word != NULL;
    take_known(p, know);
    return choose_port(cli, p, know, err);
}

/* ---- an address ---- */

static bool find_address(struct cli *cli, const char *text, struct patient *p, struct err *err)
{
    struct address address = { 0 };
    OWN(discovery) found = NULL;
    bool good = finding_address(text, &address, err);

    if (good)
        snprintf(p->address, sizeof p->address, "%s", address.wire);
    good = good && finding_run(cli, p->address, false, &found, err);
    address_done(&address);
    if (!good)
        return false;
    if (!found->candidates.count)
        return discovery_empty(found, p->address, err);
    return knock(cli, &found->candidates, p, err);
}

/* ---- an account ---- */

static const struct account *account_of(const struct config *config, const char *word)
{
    const struct account *named = config_account(config, word);

    for (size_t i = 0; !named && strchr(word, '@') && i < config->account_count; i++)
        if (account_may_send_as(config->accounts[i], span_of(word)))
            named = config->accounts[i];
    return named;
}

/* ---- neither ---- */

struct lookup {
    bool done, found;
};

static void looked_up(void *who, const struct resolve_addresses *answer, const struct err *err)
{
    struct lookup *lookup = who;
    (void)err;

    lookup->done = true;
    lookup->found = answer && answer->count;
}

/* By a name server, or by --connect-to. */
static bool leads_somewhere(const struct network *network, const char *word)
{
    struct lookup lookup = { 0 };
    struct resolve *question;

    for (size_t i = 0; i < network->detours.count; i++)
        if (!network->detours.at[i].host[0] || span_is_word(span_of(word), network->detours.at[i].host))
            return true;
    if (!resolve_addresses(network->resolver, span_of(word), loop_now(network->loop) + KNOCK_MS, looked_up, &lookup,
                           &question, NULL))
        return false;
    loop_run_until(network->loop, &lookup.done);
    return lookup.found;
}

/* One word, where there are accounts: more likely one of their names than a host's. */
static bool may_be_account(const struct cli *cli, const struct config *config, const char *word)
{
    return config->account_count && !strpbrk(word, ".:/[") && !arguments_has(&cli->args, "security");
}

static bool is_nobody(const struct config *config, const char *word, struct err *err)
{
    HELD(buf) shown = BUF(ACCOUNT_NAME_MAX), names = BUF(ERR_TEXT_MAX / 4);

    str_printable(&shown, span_of(word), ACCOUNT_NAME_MAX);
    for (size_t i = 0; i < config->account_count && !names.full; i++)
        buf_addf(&names, "%s%s", i ? ", " : "", config->accounts[i]->name);
    return err_found(err, ERR_CONFIG, "config:no-account",
                     "no account is called \"%s\" (there are: %s%s), and no host of that name is found", buf_text(&shown),
                     buf_text(&names), names.full ? ", ..." : "");
}

/* A slip of the keys in an account's address; NULL: none is near. */
static const struct account *nearest_address(const struct config *config, const char *word)
{
    const struct account *best = NULL;
    unsigned least = ADDRESS_SLIPS;

    for (size_t i = 0; i < config->account_count; i++) {
        const char *address = config->accounts[i]->address;
        unsigned distance = address ? str_distance(word, address, ADDRESS_SLIPS) : ADDRESS_SLIPS;
        if (distance < least) {
            least = distance;
            best = config->accounts[i];
        }
    }
    return best;
}

static bool find_other_address(struct cli *cli, const struct config *config, const char *word, struct patient *p, struct err *err)
{
    const struct account *meant = nearest_address(config, word);

    if (find_address(cli, word, p, err))
        return true;
    return meant ? err_in(err, "no account has that address; the account %s has %s", meant->name, meant->address) : false;
}

bool patient_find(struct cli *cli, struct patient *ret, struct err *err)
{
    const struct network *network;
    const char *word = cli->args.operand_count ? cli->args.operands[0] : NULL;
    const struct config *config = cli_config(cli, err);

    *ret = (struct patient){ 0 };
    if (!config)
        return false;
    if (!word) {
        ret->is_sure = true;
        return config_choose(config, NULL, SPAN_NONE, &ret->account, err);
    }
    ret->account = account_of(config, word);
    ret->is_sure = ret->account != NULL;
    if (ret->account)
        return true;
    if (strchr(word, '@'))
        return find_other_address(cli, config, word, ret, err);
    if (!(network = cli_network(cli, err)))
        return false;
    if (may_be_account(cli, config, word) && !leads_somewhere(network, word))
        return is_nobody(config, word, err);
    return find_server(cli, span_of(word), ret, err);
}

void patient_turn(struct patient *patient)
{
    patient->security = patient->security == SECURITY_TLS ? SECURITY_STARTTLS : SECURITY_TLS;
    patient->is_sure = true;
}
