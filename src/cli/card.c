#include "cli/card.h"

#include "cli/print.h"
#include "cli/world.h"
#include "net/interfaces.h"

#include "base/banned.h"

enum { SERVER_MOST = 512 };

/* Of a listener that is everywhere: this machine's addresses; its name where it has none. */
static void add_everywhere(struct cli *cli, bool only_ipv4, struct buf *out)
{
    struct ip ips[INTERFACES_MAX];
    size_t count = 0;
    const size_t before = out->len;

    if (!interfaces_list(ips, &count, NULL))
        count = 0;
    for (size_t i = 0; i < count; i++) {
        if (only_ipv4 && ips[i].family != 4)
            continue;
        buf_add(out, out->len > before ? " or " : "");
        ip_write(out, ips[i]);
    }
    if (out->len == before)
        buf_add(out, cli_hostname(cli));
}

void card_server(struct cli *cli, const struct listen_settings *listen, struct buf *out)
{
    static const struct ip nowhere_4 = { .family = 4 }, nowhere_6 = { .family = 6 };
    struct listen_address address;

    if (!listen_address(listen, &address))
        return;
    if (address.where == LISTEN_AT_UNIX)
        buf_add(out, address.path);
    else if (address.where == LISTEN_AT_LOCALHOST)
        buf_add(out, "localhost");
    else if (address.where == LISTEN_AT_ANY || ip_equal(address.ip, nowhere_6))
        add_everywhere(cli, false, out);
    else if (ip_equal(address.ip, nowhere_4))
        add_everywhere(cli, true, out);
    else
        ip_write(out, address.ip);
}

static const char *security_words_of(const struct listen_settings *listen)
{
    static const char *const words[] = { "", "STARTTLS", "SSL/TLS", "STARTTLS or SSL/TLS", "none" };

    return words[listen->security];
}

static void show_listener(struct cli *cli, const struct listen_settings *listen)
{
    HELD(buf) server = BUF(SERVER_MOST);
    struct listen_address address;

    if (!listen_address(listen, &address))
        return;
    card_server(cli, listen, &server);
    say(cli, "  Server      %s", buf_text(&server));
    if (address.port)
        say(cli, "  Port        %u", (unsigned)address.port);
    say(cli, "  Encryption  %s", security_words_of(listen));
}

void card_show(struct cli *cli, const struct config *config, const char *user, const struct secret *password)
{
    const struct listen_settings *listen;
    size_t count = 0;

    for (size_t at = 0; (listen = config_next(config, &listen_part, &at)); count++) {
        if (count)
            say(cli, "%s", "");
        show_listener(cli, listen);
    }
    if (count > 1)
        say(cli, "%s", "");
    say(cli, "  User name   %s", user);
    if (password)
        say(cli, "  Password    %.*s   (shown this once)", SPAN_ARG(secret_bytes(password)));
    if (!count)
        say(cli, "\nNobody can reach it yet: outpost listen add submission --address 0.0.0.0:587");
}

void card_members(struct cli *cli, struct json *json, const struct config *config)
{
    const struct listen_settings *listen;
    struct listen_address address;

    json_open(json, "servers", '[');
    for (size_t at = 0; (listen = config_next(config, &listen_part, &at));) {
        HELD(buf) server = BUF(SERVER_MOST);
        if (!listen_address(listen, &address))
            continue;
        card_server(cli, listen, &server);
        json_open(json, NULL, '{');
        json_text(json, "server", buf_text(&server));
        json_number(json, "port", address.port);
        json_text(json, "security", gateway_security_word(listen->security));
        json_close(json);
    }
    json_close(json);
}

const char *card_weakness(enum listen_weakness weakness)
{
    static const struct {
        enum listen_weakness weakness;
        const char *words;
    } rows[] = {
        { LISTEN_TAKES_PLAIN_PASSWORDS, "passwords may cross the network in the clear: whoever listens there has them" },
        { LISTEN_TAKES_OLD_TLS, "TLS before 1.2 is taken: whoever records it may read it one day" },
        { LISTEN_WITHOUT_TLS, "nothing is encrypted: whoever listens in these networks reads the mail" },
        { LISTEN_WITHOUT_PASSWORD, "whoever is in the networks of no_password_from sends in your name" },
        { LISTEN_OPEN_TO_ALL, "it is open to all the Internet; expect people who try passwords" },
    };

    for (size_t i = 0; i < COUNT(rows); i++)
        if (rows[i].weakness == weakness)
            return rows[i].words;
    return "";
}

void card_warn(const struct cli *cli, const struct listen_settings *listen)
{
    for (unsigned bit = 1; bit <= LISTEN_OPEN_TO_ALL; bit <<= 1)
        if (listen_weaknesses(listen) & bit)
            note(cli, "warning: %s: %s", listen->name, card_weakness((enum listen_weakness)bit));
}
