/*
 * main.c - sealpost, the client: options, then one command.
 */
#include <stdio.h>
#include <string.h>

#include "client/app.h"
#include "client/commands.h"
#include "common/os.h"
#include "proto/crypto.h"

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
    return command_unknown(app, name);
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
