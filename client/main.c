/*
 * main.c - sealpost, the client: options, then one command.
 */
#include <stdio.h>
#include <string.h>

#include "client/app.h"
#include "common/os.h"
#include "common/text.h"
#include "proto/crypto.h"

/* The command whose name is nearest to what was typed, for "did you mean". */
static const char *
nearest_command(const char *typed)
{
    const char *best = NULL;
    size_t best_distance = 3;

    for (size_t i = 0; i < commands_count; i++) {
        size_t d = text_distance(typed, commands[i].name);

        if (commands[i].name[0] != '\0' && d < best_distance) {
            best_distance = d;
            best = commands[i].name;
        }
    }
    return best;
}

static int
unknown_command(struct app *app, const char *name)
{
    const char *near = nearest_command(name);
    struct problem pb = {0};

    problem_set(&pb, P_USAGE, ERR_NOTFOUND, "there is no such command",
                "`%.40s` is not a command of sealpost", name);
    if (near != NULL)
        problem_next(&pb, "did you mean `sealpost %s`?", near);
    return app_fail(app, &pb);
}

static int
run_command(struct app *app, int argc, char **argv)
{
    /* `sealpost` alone shows where you stand. */
    const char *name = argc > 0 ? argv[0] : "";

    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
        name = "help";
    if (strcmp(name, "--version") == 0)
        name = "version";
    for (size_t i = 0; i < commands_count; i++)
        if (strcmp(commands[i].name, name) == 0) {
            app->command = name;
            return commands[i].run(app, argc, argv);
        }
    return unknown_command(app, name);
}

int
main(int argc, char **argv)
{
    struct app app = {0};
    int code;

    os_no_core_dumps();
    os_ignore_signals();
    argc--;
    argv++;
    if (crypto_init() != ERR_OK) {
        fprintf(stderr, "sealpost: the system gives no random numbers\n");
        return EXIT_CODE_FAILED;
    }
    if (app_init(&app, &argc, argv) != ERR_OK)
        code = app_fail(&app, &app.problem);
    else
        code = run_command(&app, argc, argv);
    app_clear(&app);
    return code;
}
