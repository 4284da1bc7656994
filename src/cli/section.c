#include "cli/section.h"

#include "base/json.h"
#include "cli/failure.h"
#include "cli/input.h"
#include "cli/print.h"
#include "cli/world.h"

#include "base/banned.h"

enum { COLUMN_MOST = 40, VALUE_MOST = 8192, ORIGIN_MOST = 4096 };

int column_width(int width, const char *text)
{
    int len = text ? (int)strlen(text) : 0;

    return len > width && len <= COLUMN_MOST ? len : width;
}

static bool is_shown(const struct config_view *view, size_t i, bool filled)
{
    return view->origins[i].from && (filled || !view->origins[i].filled);
}

bool section_has_lines(const struct config_view *view, bool filled)
{
    for (size_t i = 0; i < view->kind->count; i++)
        if (is_shown(view, i, filled))
            return true;
    return false;
}

/* The password of "http://me:password@proxy" is nobody's to see. */
static void add_without_password(struct buf *out, struct span value)
{
    size_t begin = span_find_text(value, "://");
    struct span rest = span_from(value, begin + 3);
    size_t at = span_find_last(rest, '@'), colon = span_find(rest, ':');

    if (begin == value.len || at == rest.len || colon >= at) {
        buf_add_span(out, value);
        return;
    }
    buf_add_span(out, span_cut(value, 0, begin + 3 + colon + 1));
    buf_add(out, "***");
    buf_add_span(out, span_from(rest, at));
}

static void add_value(const struct config_view *view, size_t i, struct buf *out)
{
    const struct setting *setting = &view->kind->settings[i];
    HELD(buf) value = BUF(VALUE_MOST);

    if (setting->hidden) {
        buf_add(out, "(hidden)");
        return;
    }
    setting_show(setting, view->of, &value);
    add_without_password(out, buf_span(&value));
}

static void heading(const struct cli *cli, const struct config_view *view)
{
    say_heading(cli, "[%s%s%s]", view->kind->kind, view->name ? " " : "", view->name ? view->name : "");
}

/* Column by column: the first round measures, the second says. */
void section_show(const struct cli *cli, const struct config_view *view, bool filled)
{
    int key = 0, shown = 0;

    heading(cli, view);
    for (size_t round = 0; round < 2; round++) {
        for (size_t i = 0; i < view->kind->count; i++) {
            const struct setting_origin *origin = &view->origins[i];
            const char *word = view->kind->settings[i].key;
            HELD(buf) value = BUF(VALUE_MOST), from = BUF(ORIGIN_MOST);
            if (!is_shown(view, i, filled))
                continue;
            add_value(view, i, &value);
            buf_addf(&from, origin->line ? "%s:%u" : "%s", origin->from, origin->line);
            key = column_width(key, word);
            shown = column_width(shown, buf_text(&value));
            if (round)
                say(cli, "%-*s  %-*s  # %s", key, word, shown, buf_text(&value), buf_text(&from));
        }
    }
}

bool section_json(const struct config_view *view, bool filled)
{
    for (size_t i = 0; i < view->kind->count; i++) {
        const struct setting_origin *origin = &view->origins[i];
        HELD(buf) text = BUF(8 * VALUE_MOST), value = BUF(VALUE_MOST);
        struct json json = json_to(&text);
        if (!is_shown(view, i, filled))
            continue;
        add_value(view, i, &value);
        json_open(&json, NULL, '{');
        json_text(&json, "section", view->kind->kind);
        json_text(&json, "name", view->name);
        json_text(&json, "key", view->kind->settings[i].key);
        json_text(&json, "value", buf_text(&value));
        json_text(&json, "from", origin->from);
        if (origin->line)
            json_number(&json, "line", origin->line);
        json_bool(&json, "default", origin->filled);
        json_close(&json);
        if (!say_json(&text))
            return false;
    }
    return true;
}

bool section_changed_json(const char *name, const char *change)
{
    HELD(buf) text = BUF(4096);
    struct json json = json_to(&text);

    json_open(&json, NULL, '{');
    json_text(&json, "name", name);
    json_bool(&json, change, true);
    json_close(&json);
    return say_json(&text);
}

const struct option section_remove_options[SECTION_REMOVE_OPTIONS] = {
    { 'y', "yes", OPTION_FLAG, NULL, "don't ask" },
};

int section_remove(struct cli *cli, const struct config_part *part, const char *what)
{
    struct err err = { 0 };
    const struct config *config = cli_config(cli, &err);
    const char *name = cli->args.operands[0];
    HELD(buf) question = BUF(200);

    if (!config || !config_find_section(config, part, name, &err))
        return fail_here(cli, &err);
    buf_addf(&question, "Remove the %s %s?", what, name);
    if (!arguments_has(&cli->args, "yes") && !cli->may_ask) {
        err_set(&err, ERR_USAGE, "removing a %s wants to be confirmed: add --yes", what);
        return fail_here(cli, &err);
    }
    if (!arguments_has(&cli->args, "yes") && !input_yes(cli, buf_text(&question)))
        return 1;
    if (!config_remove_section(cli_place(cli, NULL), &disk_system, config, part, name, &err))
        return fail_here(cli, &err);
    say(cli, "The %s %s is gone.", what, name);
    return !cli->json || section_changed_json(name, "removed") ? 0 : err_exit_status(ERR_IO);
}
