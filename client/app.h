/*
 * app.h - one run of the program: global options, where the vault is, how the
 * passphrase comes, and how results and problems are told.
 *
 * Data goes to stdout, words for people to stderr.  With --json stdout holds
 * exactly one JSON document, whatever happens: the result object, or
 * {"error": {...}}; people's lines are then silent.
 * Life: app_init() ... app_clear(); one per process.
 */
#ifndef SEALPOST_CLIENT_APP_H
#define SEALPOST_CLIENT_APP_H

#include <stdbool.h>

#include "client/json.h"
#include "client/problem.h"

struct vault;

struct app {
    char *home; /* owned; this person's directory (with --as already in it) */
    const char *as;
    const char *command; /* the one that runs, NULL before it is known */
    bool json;
    bool yes;
    bool wait;             /* wait for a busy vault instead of saying so */
    bool tty;              /* stderr is a terminal: progress bars, colours */
    int pass_fd;           /* --passphrase-fd, or -1 */
    int paper_fd;          /* --paper-fd: a paper key's line, or -1 */
    const char *pass_file; /* --passphrase-file or SEALPOST_PASSPHRASE_FILE */
    const char *pass_command; /* --passphrase-command or its variable */
    json_t *result;           /* the JSON document of this run; owned */
    struct vault *vault;      /* open between app_unlock() and app_clear() */
    struct problem problem;   /* scratch for commands; zero at start */
};

/* One row a command, in client/commands.c; cmd_x() lives in cmd_x.c. */
struct command {
    const char *name;
    const char *args;    /* as printed after the name in help */
    const char *summary; /* one line */
    const char *help;    /* paragraphs, or NULL */
    int (*run)(struct app *app, int argc, char **argv); /* gives exit code */
};
extern const struct command commands[];
extern const size_t commands_count;

/* Takes the global options out of ARGV (anywhere before "--"); what is left
 * is the command and its own arguments. */
enum err app_init(struct app *app, int *argc, char **argv);
void app_clear(struct app *app);

/* Opens the vault of app->home with a passphrase from fd, file, command or
 * prompt (that order).  Idempotent.  Sets PB on failure. */
enum err app_unlock(struct app *app, struct problem *pb);
/* The same with a secret that the caller has (a paper key). */
struct vault_secret;
enum err app_unlock_with(struct app *app, const struct vault_secret *secret,
                         struct problem *pb);
/* Asks for a passphrase the same way; for a NEW one a prompt asks twice and a
 * weak one is refused with a reason.  Gives bytes that the caller clears. */
enum err app_passphrase(struct app *app, const char *prompt, bool is_new,
                        struct buf *out, struct problem *pb);
/* A yes/no question: true at once with --yes; without a terminal a problem
 * (P_NEEDS_YES) naming QUESTION. */
enum err app_confirm(struct app *app, const char *question, bool *yes,
                     struct problem *pb);
/* One line typed by a person (visible), NULL-terminated, at most MAX bytes. */
enum err app_ask(struct app *app, const char *question, char *out, size_t max,
                 struct problem *pb);

/* For people: a line of data on stdout, a remark on stderr.  Arguments that
 * come from others go through text_show() first.  Silent with --json. */
void out_line(struct app *app, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void out_note(struct app *app, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* Text of others, made safe for a terminal, without line end. */
void out_safe(struct app *app, const char *text, size_t len, bool lines);
/* The next useful command: the last thing each command says. */
void out_next(struct app *app, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* A progress line, redrawn; only on a terminal.  DONE == TOTAL ends it. */
void out_progress(struct app *app, const char *what, uint64_t done,
                  uint64_t total);

/* Tells the problem (three lines, or JSON) and gives its exit code. */
int app_fail(struct app *app, const struct problem *pb);
/* app_fail for wrong arguments: WHY is a format. */
int app_usage(struct app *app, const char *why_fmt, ...)
    __attribute__((format(printf, 2, 3)));

#endif
