/* sendmail -bi and -bv: where mail for names of this machine goes. */
#include <stdio.h>

#include "base/str.h"
#include "cli/failure.h"
#include "cli/sendmail_modes.h"
#include "cli/world.h"
#include "intake/local.h"
#include "mail/address.h"

#include "base/banned.h"

enum { SHOWN_MAX = 400 };

int sendmail_aliases(struct cli *cli, const struct carrier_plan *plan, const struct sendmail_flags *flags)
{
    struct err err = { 0 };
    const struct config *config = cli_config(cli, &err);
    const struct local_settings *local = config ? config_section(config, &local_part, NULL) : NULL;
    OWN(aliases) aliases = NULL;

    (void)plan, (void)flags;
    if (!local || !local_aliases(local, &disk_system, &aliases, &err))
        return fail_here(cli, &err);
    size_t faults = aliases_fault_count(aliases);
    for (size_t i = 0; i < faults; i++) {
        const struct alias_fault *fault = aliases_fault(aliases, i);
        fprintf(stderr, "outpost: %s:%u: %s%s%s\n", local->aliases, fault->line, fault->name, *fault->name ? ": " : "",
                fault->why);
    }
    printf("%s: %zu aliases\n", local->aliases, aliases_count(aliases));
    return faults ? err_exit_status(ERR_CONFIG) : 0;
}

struct verifying {
    struct cli *cli;
    const struct account *account;
    const struct aliases *aliases;
    struct alias_asker asker;
};

static bool expand(const struct verifying *v, const char *word, struct buf *ret_goes, struct err *err)
{
    HELD(address) address = { 0 };
    HELD(alias_found) found = { 0 };

    if (!address_parse_bare(span_of(word), v->asker.hostname, &address, err))
        return false;
    if (!aliases_is_local(address_domain(&address), v->asker.hostname)) {
        buf_add(ret_goes, address.wire);
        return true;
    }
    if (!aliases_expand(v->aliases, &v->asker, address_local(&address), &found, err))
        return false;
    for (size_t i = 0; i < found.count; i++)
        buf_addf(ret_goes, "%s%s", i ? ", " : "", found.at[i]);
    return true;
}

static bool verify(const struct verifying *v, const char *word)
{
    HELD(buf) shown = BUF(2 * SHOWN_MAX), goes = BUF(64 * 1024);
    struct err err = { 0 };

    str_printable(&shown, span_of(word), SHOWN_MAX);
    if (!expand(v, word, &goes, &err)) {
        printf("%s... undeliverable: %s\n", buf_text(&shown), err.text);
        return false;
    }
    printf("%s... deliverable: to %s by the account %s\n", buf_text(&shown), buf_text(&goes), v->account->name);
    return true;
}

int sendmail_verify(struct cli *cli, const struct carrier_plan *plan, const struct sendmail_flags *flags)
{
    struct err err = { 0 };
    const struct config *config = cli_config(cli, &err);
    const struct local_settings *local = config ? config_section(config, &local_part, NULL) : NULL;
    struct verifying v = { .cli = cli };
    OWN(aliases) aliases = NULL;
    bool good = true;

    (void)plan;
    if (!local || !config_choose(config, flags->account, span_of(flags->sender), &v.account, &err) ||
        !local_aliases(local, &disk_system, &aliases, &err))
        return fail_here(cli, &err);
    v.aliases = aliases;
    v.asker = (struct alias_asker){ cli_hostname(cli), local->admin ? local->admin : v.account->address };
    for (size_t i = 0; i < flags->recipient_count; i++)
        good &= verify(&v, flags->recipients[i]);
    return good ? 0 : err_exit_status(ERR_RECIPIENT);
}
