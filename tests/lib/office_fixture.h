/*
 * office_fixture.h - a founded network in a vault, without a relay: the
 * registrar's client as it is after `registrar init` and a first sync.  The
 * relay's address is a port where nobody listens, so that everything that may
 * go on offline does.  Commands run in this process, as main() would run them.
 */
#ifndef SEALPOST_TESTS_OFFICE_FIXTURE_H
#define SEALPOST_TESTS_OFFICE_FIXTURE_H

#include "client/app.h"
#include "client/commands.h"
#include "client/identity.h"
#include "proto/directory.h"

struct office_fixture {
    char *scratch;
    char home[512];         /* the registrar's vault */
    char passphrase[512];   /* a file; for every vault here */
    struct sign_secret key; /* of the registrar, and root of its agency */
    struct buf genesis;
    struct identity id;
};
extern struct office_fixture of;

/* For cmocka, as group setup: the vault is closed. */
int office_fixture_setup(void **state);
int office_fixture_teardown(void **state);

/* A path in the scratch directory; one of four buffers in turn. */
const char *office_path(const char *name);
/* An app at HOME, as app_init makes it with --json --yes. */
void office_app(struct app *app, const char *home);
/* Closes it; the JSON result is printed nowhere. */
void office_app_clear(struct app *app);
/* Runs CMD with arguments up to NULL at HOME.  Gives the exit code; what it
 * said stays in office_result until the next. */
int office_run(const char *home, command_fn *cmd, ...)
    __attribute__((sentinel));
extern json_t *office_result;
/* The code of the error in it, "" when there is none. */
const char *office_error(void);

#endif
