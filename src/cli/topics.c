#include "cli/topics.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "cli/print.h"

#include "base/banned.h"

enum { LINE_TEXT_MAX = 2000 };

/* "*" begins a heading, "1." a step, "$" a command as it is typed; else a paragraph. {tenant} and {mailbox} stand for
 * what --tenant and --mailbox say. */
struct topic {
    const char *name, *about;
    const char *const *lines; /* NULL ends */
};

static const char *const microsoft[] = {
    "Microsoft signs people in for registered programs only. outpost ships no registration, and no other program's: "
    "this is how to make one. It is done once, and costs nothing.",

    "*The registration, whatever it is for",
    "1.Open https://entra.microsoft.com > Entra ID (in older menus: Identity > Applications) > App registrations > New "
    "registration. With a personal account only, Microsoft wants you to sign up for Azure first.",
    "1.Manage > Authentication > Add Redirect URI (older: Add a platform) > Mobile and desktop applications: "
    "http://localhost",
    "1.On the same page, under Settings: Allow public client flows: on. (Without it: AADSTS7000218.)",
    "1.Overview: note the Application (client) ID. It is what outpost calls client id.",

    "*1. Your own mailbox at live.com, hotmail.com, outlook.com, msn.com",
    "1.Supported account types: Personal Microsoft accounts.",
    "1.Manage > API permissions > Add a permission > Microsoft Graph > Delegated permissions: SMTP.Send, Mail.Send, "
    "offline_access, openid, profile, email. Mail.Send is for mailboxes where SMTP is shut.",
    "$outpost setup {mailbox} --client-id CLIENT-ID",

    "*2. A mailbox at work, where a person signs in",
    "1.Supported account types: Accounts in this organizational directory only. The same permissions as above; an "
    "administrator presses Grant admin consent.",
    "1.Sign-in by SMTP must be on for the mailbox (Exchange Online PowerShell):",
    "$Set-CASMailbox -Identity {mailbox} -SmtpClientAuthenticationDisabled $false",
    "$outpost setup {mailbox} --client-id CLIENT-ID --tenant {tenant}",

    "*3. A server that sends by itself, nobody signs in",
    "1.Manage > API permissions > Add a permission > APIs my organization uses > Office 365 Exchange Online > Application "
    "permissions: SMTP.SendAsApp. Then Grant admin consent.",
    "1.Manage > Certificates & secrets > Certificates > Upload certificate.",
    "1.Tell Exchange of the application, and give it the mailbox. OBJECT-ID is the one of Enterprise applications, not "
    "the one of App registrations. It may take an hour to work.",
    "$Connect-ExchangeOnline -Organization {tenant}",
    "$New-ServicePrincipal -AppId CLIENT-ID -ObjectId OBJECT-ID",
    "$Add-MailboxPermission -Identity {mailbox} -User (Get-ServicePrincipal -Identity CLIENT-ID).Identity -AccessRights FullAccess",
    "$Set-CASMailbox -Identity {mailbox} -SmtpClientAuthenticationDisabled $false",
    "$outpost setup {mailbox} --client-id CLIENT-ID --tenant {tenant} --flow client-credentials --certificate SOURCE",

    "*4. A shared mailbox",
    "1.Sign in as yourself, as in 2., and let yourself send as the mailbox:",
    "$Add-RecipientPermission -Identity {mailbox} -Trustee YOU@{tenant} -AccessRights SendAs",
    "1.The account has the shared address; sign in with your own on the page that opens.",
    "$outpost setup {mailbox} --client-id CLIENT-ID --tenant {tenant}",

    "*5. Clouds of their own: US Government, China",
    "1.The same, at that cloud's own portal (https://entra.microsoft.us, or Azure China's). outpost knows their servers: "
    "outpost settings {mailbox} shows which it takes; where it guesses the wrong cloud, name the provider in the "
    "account's section: provider = microsoft-gcchigh, microsoft-dod or microsoft-china.",
    NULL,
};

static const char *const google[] = {
    "An app password needs no registration, and is the shorter way: https://myaccount.google.com/apppasswords, then: "
    "outpost setup {mailbox}. Where the organisation forbids them, or for servers, OAuth needs a client of your own:",

    "*A client for Gmail and Workspace",
    "1.Open https://console.cloud.google.com/auth/overview (Google Auth Platform), make a project, and press Get started.",
    "1.Audience: Internal in a Workspace; else External, and then Publish app. A project in testing signs everybody out "
    "after 7 days.",
    "1.Enable the Gmail API, if mail is to go over HTTPS where SMTP is blocked: "
    "https://console.cloud.google.com/apis/library/gmail.googleapis.com",
    "1.Clients > Create client > Desktop app. Note the client ID and its secret, which is shown this once (it protects "
    "nothing there, and is wanted all the same). Put the secret where outpost can read it, for example: pass insert google-client",
    "1.At the sign-in Google warns that it has not verified the app, which is yours: Advanced > Go to it.",
    "$outpost setup {mailbox} --auth oauth --client-id CLIENT-ID --client-secret \"command:pass show google-client\"",
    NULL,
};

static const struct topic topics[] = {
    { "microsoft-app", "registering outpost with Microsoft, in five cases", microsoft },
    { "google-app", "the same with Google, and the way without", google },
};

const struct topic *topic_find(const char *name)
{
    for (size_t i = 0; i < COUNT(topics); i++)
        if (strcmp(topics[i].name, name) == 0)
            return &topics[i];
    return NULL;
}

void topics_list(void)
{
    for (size_t i = 0; i < COUNT(topics); i++)
        printf("  %-16s %s\n", topics[i].name, topics[i].about);
}

static bool starts(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

static void fill(const struct cli *cli, const char *line, struct buf *out)
{
    const char *tenant = arguments_text(&cli->args, "tenant"), *mailbox = arguments_text(&cli->args, "mailbox");

    while (*line) {
        const char *value = starts(line, "{tenant}")    ? tenant ? tenant : "YOUR-DOMAIN"
                            : starts(line, "{mailbox}") ? mailbox ? mailbox : "ADDRESS"
                                                        : NULL;
        if (value) {
            buf_add(out, value);
            line = strchr(line, '}') + 1;
        } else {
            buf_add_char(out, *line++);
        }
    }
}

int topic_show(const struct cli *cli, const struct topic *topic)
{
    struct page page = page_to(cli, false);
    unsigned step = 0;

    for (const char *const *line = topic->lines; *line; line++) {
        HELD(buf) text = BUF(LINE_TEXT_MAX);
        char lead[16];
        bool is_step = starts(*line, "1.");
        fill(cli, *line + (is_step ? 2 : (**line == '*' || **line == '$') ? 1 : 0), &text);
        if (**line == '*') {
            page_heading(&page, buf_text(&text));
            step = 0;
        } else if (**line == '$') {
            printf("       %s\n", buf_text(&text)); /* to be copied: never wrapped */
        } else {
            snprintf(lead, sizeof lead, "  %u. ", ++step);
            page_text(&page, is_step ? lead : "", buf_text(&text));
        }
    }
    return 0;
}
