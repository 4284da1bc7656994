#include "cli/cli.h"
#include "cli/help.h"

#include "base/banned.h"

extern const struct command command_account, command_account_default, command_account_list, command_account_login,
    command_account_logout, command_account_token,
    command_account_remove, command_account_seal, command_account_secret, command_account_show, command_config,
    command_config_check, command_config_show, command_doctor,
    command_explain, command_home, command_listen, command_listen_add, command_listen_list, command_listen_remove,
    command_listen_show, command_notify, command_queue, command_queue_hold, command_queue_list,
    command_queue_release, command_queue_repair,
    command_queue_remove, command_queue_retry, command_queue_show, command_sandbox, command_send, command_sendmail,
    command_serve, command_service, command_service_disable, command_service_enable, command_service_status,
    command_settings, command_setup, command_status, command_user,
    command_user_add, command_user_list, command_user_remove, command_user_show;

const struct command *const commands[] = {
    &command_home,
    &command_settings,
    &command_setup,
    &command_send,
    &command_doctor,
    &command_sendmail,
    &command_explain,
    &command_account,
    &command_account_list,
    &command_account_show,
    &command_account_login,
    &command_account_logout,
    &command_account_token,
    &command_account_default,
    &command_account_secret,
    &command_account_seal,
    &command_account_remove,
    &command_user,
    &command_user_list,
    &command_user_add,
    &command_user_show,
    &command_user_remove,
    &command_listen,
    &command_listen_list,
    &command_listen_add,
    &command_listen_show,
    &command_listen_remove,
    &command_config,
    &command_config_check,
    &command_config_show,
    &command_notify,
    &command_serve,
    &command_service,
    &command_service_enable,
    &command_service_disable,
    &command_service_status,
    &command_status,
    &command_queue,
    &command_queue_list,
    &command_queue_show,
    &command_queue_retry,
    &command_queue_hold,
    &command_queue_release,
    &command_queue_remove,
    &command_queue_repair,
    &command_sandbox,
    &command_help,
};
const size_t command_count = COUNT(commands);

/* Two words where a row has them ("account show"), else one; no word at all is the row without a
 * name. */
static bool names(const struct command *command, const char *const *words, size_t used)
{
    struct span name = span_of(command->name);
    size_t blank = span_find(name, ' ');

    if (used == 0)
        return name.len == 0;
    if ((used == 1) != (blank == name.len))
        return false;
    return span_is(span_cut(name, 0, blank), words[0]) &&
           (used == 1 || span_is(span_from(name, blank + 1), words[1]));
}

const struct command *command_find(size_t count, const char *const *words, size_t *ret_used)
{
    for (size_t used = count < 2 ? count : 2;; used--) {
        for (size_t i = 0; i < command_count; i++) {
            if (names(commands[i], words, used)) {
                *ret_used = used;
                return commands[i];
            }
        }
        if (used <= 1)
            return NULL;
    }
}
