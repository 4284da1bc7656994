/* What the tests of OAuth over a line share: a provider that is our own server, a world around it. */
#ifndef OUTPOST_TESTS_OAUTH_SCENE_H
#define OUTPOST_TESTS_OAUTH_SCENE_H

#include "net/loop.h"
#include "oauth_case.h"
#include "support/idp.h"
#include "support/scratch.h"
#include "support/world.h"

static const struct knowledge_text profiles[] = {
    { "test.ini", SPAN_INIT("[provider test]\nname = Test\nkind = mailbox\ndomains = mail.test\n"
                            "server = smtp.mail.test:587 starttls\nmechanisms = XOAUTH2\nusername = address\n"
                            "password = off\n"
                            "[oauth]\nissuer = https://id.test\nauthorize = https://id.test/auth\n"
                            "token = https://id.test/token\ndevice = https://id.test/device\n"
                            "revoke = https://id.test/revoke\nscope = https://api.test/SMTP.Send offline_access\n"
                            "https_scope = https://graph.test/Mail.Send offline_access\n"
                            "app_scope = https://api.test/.default\nidentity_scope = openid email\n"
                            "redirect = http://127.0.0.1:{port}/\ngrants = code device client\n"
                            "pkce = yes\none_resource = yes\nrotates = yes\nbusy_codes = 90033\n"
                            "least_token_life = 600s\n") },
    /* The same, and a person may agree to both at once, as it is said. */
    { "both.ini", SPAN_INIT("[provider both]\nname = Both\nkind = mailbox\ndomains = both.test\n"
                            "server = smtp.both.test:587 starttls\nmechanisms = XOAUTH2\nusername = address\n"
                            "password = off\n"
                            "[oauth]\nissuer = https://id.test\nauthorize = https://id.test/auth\n"
                            "token = https://id.test/token\nscope = https://api.test/SMTP.Send offline_access\n"
                            "https_scope = https://graph.test/Mail.Send offline_access\n"
                            "redirect = http://127.0.0.1:{port}/\ngrants = code\n"
                            "pkce = yes\none_resource = yes\nconsent_together = yes\nrotates = yes\n") },
};

#define MINE "address=me@mail.test", "client_id=app"
#define WALL UINT64_C(1700000000000)

struct scene {
    struct loop *loop;
    struct idp idp;
    struct world world;
    struct scratch *dir;
    struct secret_world secrets;
    struct credential_world where;
    struct account *account;
};

static inline int make_profiles(void **state)
{
    (void)state;
    return know_new(profiles, COUNT(profiles), &known, NULL) ? 0 : -1;
}

static inline void begin_with(struct scene *scene, struct account *account)
{
    struct err err;

    memset(scene, 0, sizeof *scene);
    scene->account = account;
    scene->dir = scratch_new();
    world_init(&scene->world);
    scene->world.wall = WALL;
    assert_true(loop_new(&scene->loop, &err));
    idp_start(&scene->idp, scene->loop);
    scene->idp.rotation = IDP_STRICT;
    scene->secrets = (struct secret_world){ .state = scratch_path(scene->dir, "state"),
                                            .disk = &scene->world.disk, .dice = &scene->world.dice,
                                            .loop = scene->loop };
    scene->where = idp_world(&scene->idp, &scene->secrets, &scene->world.clock);
}

static inline void begin(struct scene *scene)
{
    begin_with(scene, ACCOUNT(MINE));
}

static inline void end(struct scene *scene)
{
    idp_stop(&scene->idp);
    loop_free(scene->loop);
    account_free(scene->account);
    scratch_free(&scene->dir);
}

#endif
