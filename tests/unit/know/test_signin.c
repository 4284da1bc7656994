/* What is said where a sign-in is refused, in sentences that no rule of data/ has as its example; and which of them are
 * known, and which guessed at. */
#include "support/check.h"

#include "know/classify.h"
#include "know/embedded.h"
#include "know/knowledge.h"

static struct knowledge *know;

static int load(void **state)
{
    (void)state;
    size_t count;
    const struct knowledge_text *texts = know_embedded(&count);
    return know_new(texts, count, &know, NULL) ? 0 : -1;
}

static int unload(void **state)
{
    (void)state;
    knowledge_free(know);
    return 0;
}

static const struct {
    const char *cause;
    uint16_t reply;
    const char *said;
} sentences[] = {
    { "auth_smtp_disabled_mailbox", 535, "External mail programs are disabled for this mailbox. Enable IMAP/SMTP access in the webmail settings" },
    { "auth_smtp_disabled_mailbox", 535, "Mail clients are switched off for this account, turn them on in your control panel" },
    { "auth_smtp_disabled_mailbox", 535, "This user is not permitted to send by SMTP" },
    { "auth_smtp_disabled_mailbox", 535, "IMAP and SMTP have to be activated first, see Settings > Mail clients" },
    { "auth_smtp_disabled_mailbox", 535, "Outgoing server access has not been enabled for your mailbox" },
    { "auth_smtp_disabled_mailbox", 554, "SMTP login is blocked for this user, use webmail" },
    { "auth_smtp_disabled_mailbox", 535, "Webmail-only account" },
    { "auth_smtp_disabled_mailbox", 535, "POP3 and SMTP are turned off. Turn them on under Settings" },
    { "auth_smtp_disabled_mailbox", 535, "Access by email software is not activated" },
    { "auth_smtp_disabled_mailbox", 535, "Der Zugriff mit externen E-Mail-Programmen ist nicht freigeschaltet. Bitte in den Einstellungen aktivieren" },
    { "auth_smtp_disabled_mailbox", 535, "POP3/IMAP-Zugriff wurde vom Inhaber des Kontos abgeschaltet" },
    { "auth_smtp_disabled_mailbox", 535, "L'accès SMTP est désactivé pour cette boîte aux lettres" },
    { "auth_smtp_disabled_mailbox", 535, "Los programas de correo externos no están habilitados en esta cuenta" },
    { "auth_smtp_disabled_mailbox", 535, "I programmi di posta esterni non sono abilitati per questa casella" },
    { "auth_smtp_disabled_mailbox", 535, "Доступ почтовых программ запрещен, включите его"
      " в настройках ящика" },
    { "auth_smtp_disabled_mailbox", 535, "Programy pocztowe nie są włączone dla tego konta" },
    { "ip_not_allowed", 535, "Login from 192.0.2.7 refused, address is not on the list of allowed IP addresses for this user" },
    { "ip_not_allowed", 535, "Sign-in restricted to registered addresses; 192.0.2.7 is not registered" },
    { "ip_not_allowed", 535, "Source address not authorised for these credentials" },
    { "ip_not_allowed", 535, "host 192.0.2.7 is not among the hosts allowed for user anna" },
    { "ip_not_allowed", 535, "Please add 192.0.2.7 to your allowed senders' IPs in the dashboard" },
    { "wrong_server_for_account", 535, "Your mailbox is hosted on smtp-eu.example.com. Please use that server." },
    { "wrong_server_for_account", 535, "Business accounts must use smtp.business.example.com" },
    { "wrong_server_for_account", 535, "Votre boîte est hébergée sur un autre serveur, utilisez smtp2.example.com" },
    { "wrong_server_for_account", 535, "La casella si trova su un altro server, usare smtp2.example.com" },
    { "wrong_server_for_account", 535, "Ваш ящик находится на другом сервере, используйте smtp2.example.com" },
    { "wrong_server_for_account", 535, "Skrzynka znajduje się na innym serwerze, użyj smtp2.example.com" },
    { "account_locked", 535, "User is deactivated" },
    { "account_locked", 535, "Access to this mailbox has been revoked by the administrator" },
    { "account_locked", 535, "Account suspended: an invoice is overdue. Log in to the customer area." },
    { "account_locked", 535, "Your contract has ended" },
    { "account_locked", 535, "Payment overdue, mail sending is stopped" },
    { "account_locked", 535, "Postfach wegen offener Rechnung gesperrt" },
    { "account_locked", 535, "Votre compte a été bloqué" },
    { "account_locked", 535, "Account sospeso" },
    { "account_locked", 535, "Ящик заблокирован" },
    { "account_locked", 535, "帐户已被锁定" },
    { "auth_app_password_required", 535, "Two-step verification is on. Mail programs need a password of their own, make one under Security" },
    { "auth_app_password_required", 535, "Включена двухфакторная аутентификация,"
      " создайте пароль для внешнего приложения" },
    { "auth_app_password_required", 535, "已开启两步验证,请使用专用密码登录" },
    { "auth_mfa_required", 535, "A second factor is required for this user" },
    { "auth_too_many_logins", 454, "Too many failed logins for this account. Try again in 15 minutes" },
    { "auth_too_many_logins", 535, "You are trying too often" },
    { "auth_smtp_disabled_mailbox", 535, "IMAP/SMTP is a premium feature" },
    { "auth_mailbox_unavailable", 535, "User has no mailbox" },
    { "auth_blocked_by_policy", 535, "Logins from your region are not permitted" },
    { "auth_blocked_by_policy", 535, "Sign-in from RU blocked by geo filter" },
    { "auth_blocked_by_policy", 535, "External access is not allowed, use the intranet" },
    { "auth_blocked_by_policy", 535, "Anmeldung nur im Firmennetz oder per VPN möglich" },
    { "auth_blocked_by_policy", 535, "Connexion possible uniquement via le VPN" },
    { "account_needs_verification", 535, "Email address of the account not verified, check your inbox" },
    { "auth_basic_disabled", 535, "Password authentication is no longer supported, use OAuth" },
    { "auth_bad_credentials", 535, "Mailbox or password is wrong. Check your settings" },
    { "auth_bad_credentials", 535, "Please check your user name and password in the settings of your mail program" },
    { "auth_bad_credentials", 535, "SMTP authentication rejected" },
    { "auth_bad_credentials", 535, "No such user" },
    { "auth_bad_credentials", 535, "User anna@example.com not found" },
    { "auth_bad_credentials", 535, "Nome utente o password errati" },
    { "auth_bad_credentials", 535, "Computer says no" },
    { "auth_bad_credentials", 535, "Nope" },
    { "auth_smtp_disabled_mailbox", 535, "Error: authentication failed: SMTP access for this mailbox is switched off in the customer portal" },
    { "auth_smtp_disabled_mailbox", 535, "Use of desktop mail software is not enabled for your account" },
    { "auth_smtp_disabled_mailbox", 535, "Protocol SMTP disabled by user" },
    { "auth_smtp_disabled_mailbox", 550, "Client submission not enabled for this account" },
    { "auth_smtp_disabled_mailbox", 535, "Please activate POP3/IMAP/SMTP in your mailbox first" },
    { "auth_smtp_disabled_mailbox", 535, "You have to enable access for external apps at https://mail.example.com/settings" },
    { "auth_smtp_disabled_mailbox", 535, "Account is restricted to webmail" },
    { "auth_smtp_disabled_mailbox", 535, "Third party clients blocked for this mailbox" },
    { "ip_not_allowed", 535, "Connection from 192.0.2.9 rejected: not an authorised address for this account" },
    { "ip_not_allowed", 535, "Your address 192.0.2.9 is not in the access list of the account" },
    { "ip_not_allowed", 535, "Client IP not permitted" },
    { "ip_not_allowed", 535, "Unknown source IP 192.0.2.9, add it to your whitelist" },
    { "ip_not_allowed", 535, "this API key is bound to other IP addresses" },
    { "ip_not_allowed", 554, "Access restricted by IP" },
    { "ip_not_allowed", 535, "login only allowed from 192.0.2.0/24" },
    { "wrong_server_for_account", 535, "Account is homed in datacenter EU, please connect to smtp-eu.example.com" },
    { "wrong_server_for_account", 535, "User not hosted here" },
    { "wrong_server_for_account", 535, "Mailbox was migrated, the new server is mail3.example.com" },
    { "wrong_server_for_account", 535, "This is the server for private customers; business customers use smtp-business.example.com" },
    { "wrong_server_for_account", 535, "Please use the server smtp.example.com for this domain" },
    { "auth_web_login_required", 535, "Password too old, please renew it" },
    { "auth_web_login_required", 535, "Initial password has to be changed in webmail before use" },
    { "auth_web_login_required", 535, "Your passphrase expired yesterday" },
    { "account_locked", 535, "Mail access locked, call our hotline" },
    { "account_locked", 535, "Your customer account is blocked due to an outstanding balance" },
    { "account_locked", 535, "Domain example.com has been suspended" },
    { "account_locked", 535, "user is barred" },
    { "account_locked", 535, "Hosting package expired" },
    { "account_locked", 535, "mailbox has been deleted" },
    { "auth_app_password_required", 535, "Please use your SMTP password, not your account password" },
    { "auth_app_password_required", 535, "2-step login is active for this account; an application token is needed for SMTP" },
    { "auth_app_password_required", 535, "You must generate a device-specific passcode for mail programs" },
    { "auth_mfa_required", 535, "MFA challenge not answered" },
    { "auth_too_many_logins", 535, "Account temporarily locked after 5 failed attempts" },
    { "auth_too_many_logins", 535, "Login throttled, try again in 300 seconds" },
    { "auth_too_many_logins", 454, "Authentication rate exceeded" },
    { "auth_blocked_by_policy", 535, "Sign-in from this country is not possible" },
    { "auth_blocked_by_policy", 535, "Geo-IP restriction: login from China denied" },
    { "auth_blocked_by_policy", 535, "Only reachable inside the campus network" },
    { "auth_blocked_by_policy", 535, "Policy forbids logins from unmanaged devices" },
    { "auth_blocked_by_policy", 535, "Login from outside EU is prohibited" },
    { "account_needs_verification", 535, "Verify your e-mail address first" },
    { "account_not_activated", 535, "Your account is still being checked by our team" },
    { "auth_mailbox_unavailable", 535, "No mailbox assigned" },
    { "auth_bad_credentials", 535, "The user name must be the full e-mail address" },
    { "auth_bad_credentials", 535, "wrong user/pass combination" },
    { "auth_bad_credentials", 535, "Sorry, I don't know you" },
    { "auth_bad_credentials", 535, "Unable to log you in with that password" },
    { "auth_bad_credentials", 535, "Access to mailbox denied: bad login" },
    { "auth_bad_credentials", 535, "Credentials not recognized" },
    { "auth_bad_credentials", 535, "SMTP login failed. Please verify your account settings" },
    { "auth_bad_credentials", 535, "Password not accepted from server" },
    { "auth_bad_credentials", 535, "Authentication rejected by LDAP" },
    { "auth_bad_credentials", 535, "Unauthenticated: user anna unknown in this domain" },
    { "auth_bad_credentials", 535, "Authentication was not successful, please check account and password in your e-mail program" },
    { "auth_smtp_disabled_mailbox", 535, "The owner of this mailbox has not allowed IMAP and SMTP" },
    { "auth_smtp_disabled_mailbox", 535, "Legacy protocols (POP, IMAP, SMTP) are turned off for anna@example.com" },
    { "auth_smtp_disabled_mailbox", 535, "Sending by SMTP is not part of your package" },
    { "auth_smtp_disabled_mailbox", 535, "Outlook and other programs: no access. Switch it on in My account > Security" },
    { "auth_smtp_disabled_mailbox", 535, "Bitte schalten Sie POP3/IMAP in den Einstellungen frei" },
    { "auth_smtp_disabled_mailbox", 535, "Versand über SMTP ist für dieses Konto nicht aktiviert" },
    { "auth_smtp_disabled_mailbox", 535, "Veuillez activer l'accès IMAP/SMTP dans les paramètres de votre messagerie" },
    { "auth_smtp_disabled_mailbox", 535, "Включите доступ по протоколу SMTP в настройках почты" },
    { "ip_not_allowed", 535, "Host 192.0.2.9 has no permission to use this account" },
    { "ip_not_allowed", 535, "Login nur von freigegebenen IP-Adressen" },
    { "ip_not_allowed", 535, "IP not registered" },
    { "ip_not_allowed", 535, "Votre IP n'est pas dans la liste blanche" },
    { "wrong_server_for_account", 535, "Your account was moved to our new platform. Server: mail.new.example.com" },
    { "wrong_server_for_account", 535, "anna@example.com is not on this machine, try smtp7.example.com" },
    { "wrong_server_for_account", 535, "Falscher Server für dieses Postfach" },
    { "auth_web_login_required", 535, "Your password must be changed before you continue" },
    { "auth_web_login_required", 535, "Passwort läuft nicht mehr: bitte erneuern" },
    { "auth_web_login_required", 535, "Please visit the web interface and agree to the new terms" },
    { "account_locked", 535, "Account on hold" },
    { "account_locked", 535, "The administrator has blocked this user" },
    { "account_locked", 535, "Sie haben offene Rechnungen, der Zugang ist gesperrt" },
    { "account_locked", 535, "Licence expired" },
    { "account_locked", 535, "User account has been closed at the customer's request" },
    { "account_locked", 535, "Аккаунт приостановлен за неуплату" },
    { "auth_app_password_required", 535, "Passwords of the web mail are not valid for SMTP, create one for your program" },
    { "auth_app_password_required", 535, "You have two-factor enabled: use a token as the password" },
    { "auth_app_password_required", 535, "External programs need an external password" },
    { "auth_too_many_logins", 535, "Login temporarily blocked, too many errors" },
    { "auth_too_many_logins", 535, "Sicherheitssperre nach 5 falschen Passwörtern für 30 Minuten" },
    { "auth_blocked_by_policy", 535, "Access only from Germany" },
    { "auth_blocked_by_policy", 535, "This mailbox may be used from the local network only" },
    { "auth_blocked_by_policy", 535, "Login from your location is blocked" },
    { "auth_blocked_by_policy", 535, "Zugriff nur aus dem Hochschulnetz" },
    { "account_needs_verification", 535, "Confirm your identity by SMS first" },
    { "account_not_activated", 535, "Account created but not yet active, wait for the confirmation of our staff" },
    { "auth_bad_credentials", 535, "Wrong pass" },
    { "auth_bad_credentials", 535, "Not a valid user" },
    { "auth_bad_credentials", 535, "user or password mismatch" },
    { "auth_bad_credentials", 535, "Falsches Passwort" },
    { "auth_bad_credentials", 535, "Mot de passe erroné" },
    { "auth_bad_credentials", 535, "Неверный пароль" },
    { "auth_bad_credentials", 535, "Błędne hasło" },
};

/* The words of servers for a wrong pair, and for nothing else. */
static const char *const known[] = {
    "Authentication credentials invalid",
    "Authentication unsuccessful",
    "Error: authentication failed: (reason unavailable)",
    "Error: authentication failed: authentication failure",
    "Incorrect authentication data",
    "Incorrect username or password",
    "Invalid credentials",
    "Invalid login or password",
    "Login incorrect",
    "Unknown user or wrong password",
    "Username and Password not accepted.",
    "authentication failed",
};

/* Words that nobody knows: a wrong pair most often, and that is a guess. */
static const char *const guesses[] = {
    "Computer says no", "Nope", "X17 see log", "Refus", "Das geht so nicht",
};

static struct verdict judged(uint16_t reply, const char *said)
{
    struct evidence evidence = { .stage = STAGE_AUTH, .mechanism = "PLAIN", .err = { .kind = ERR_REPLY, .reply = reply } };
    struct verdict verdict = { 0 };

    err_said(&evidence.err, span_of(said));
    check_row(said, classify(know, &evidence, &verdict));
    return verdict;
}

static void test_sentences(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(sentences); i++) {
        struct verdict verdict = judged(sentences[i].reply, sentences[i].said);
        check_bytes(sentences[i].said, span_of(verdict.cause->id), span_of(sentences[i].cause));
    }
}

static void test_known(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(known); i++) {
        struct verdict verdict = judged(535, known[i]);
        check_bytes(known[i], span_of(verdict.cause->id), SPAN("auth_bad_credentials"));
        check_row(known[i], !verdict.guess);
    }
}

static void test_guesses(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(guesses); i++) {
        struct verdict verdict = judged(535, guesses[i]);
        check_bytes(guesses[i], span_of(verdict.cause->id), SPAN("auth_bad_credentials"));
        check_row(guesses[i], verdict.guess && verdict.also_count);
    }
}

/* 535 is a sign-in's, also where nobody tells the place; and what quotes one is about that one. */
static void test_place(void **state)
{
    (void)state;
    struct evidence nowhere = { .err = { .kind = ERR_REPLY, .reply = 535, .said = "Mailbox frozen" } };
    struct evidence quotes = { .stage = STAGE_RCPT, .err = { .kind = ERR_LATER, .reply = 451,
                                                             .said = "upstream said: (535 5.7.8 Computer says no)" } };
    struct verdict verdict = { 0 };

    assert_true(classify(know, &nowhere, &verdict));
    assert_string_equal(verdict.cause->id, "account_locked");
    assert_true(classify(know, &quotes, &verdict));
    assert_string_equal(verdict.cause->id, "auth_bad_credentials");
    assert_true(verdict.guess);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sentences),
        cmocka_unit_test(test_known),
        cmocka_unit_test(test_guesses),
        cmocka_unit_test(test_place),
    };
    return cmocka_run_group_tests(tests, load, unload);
}
