/*
 * cmd_help.c - help and version, from the table of commands.
 */
#include <string.h>

#include "client/commands.h"
#include "common/text.h"

#define SEALPOST_VERSION "0.1.0"

static const char global_help[] =
    "Everywhere:\n"
    "  --home DIR, SEALPOST_HOME        where the vault is\n"
    "  --as NAME                        one of several people on this machine\n"
    "  --json                           one JSON document, errors too\n"
    "  --yes                            do not ask\n"
    "  --wait                           wait for a vault that is in use\n"
    "  --passphrase-fd N, --passphrase-file F, --passphrase-command CMD\n"
    "                                   instead of the prompt (also\n"
    "                                   SEALPOST_PASSPHRASE_FILE, _COMMAND)\n"
    "  --paper-fd N                     a paper key's line, instead of typing\n"
    "Exit codes: 0 ok, 1 failed, 2 usage, 3 partly done, 10 no identity,\n"
    "  11 vault locked, 12 relay unreachable, 13 refused by policy,\n"
    "  14 verification failed, 20 the audit found something";

static const struct command *
find(const char *name)
{
    for (size_t i = 0; i < commands_count; i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

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

int
command_unknown(struct app *app, const char *name)
{
    const char *near = nearest_command(name);
    struct problem pb = {0};

    problem_set(&pb, P_USAGE, ERR_NOTFOUND, "there is no such command",
                "`%.40s` is not a command of sealpost", name);
    if (near != NULL)
        problem_next(&pb, "did you mean `sealpost %s`?", near);
    else
        problem_next(&pb, "`sealpost help` lists the commands");
    return app_fail(app, &pb);
}

static void
list_json(struct app *app)
{
    json_t *list = json_array();

    for (size_t i = 0; i < commands_count; i++) {
        json_t *row = json_object();

        json_put_str(row, "name", commands[i].name);
        json_put_str(row, "args", commands[i].args);
        json_put_str(row, "summary", commands[i].summary);
        (void)json_array_append_new(list, row);
    }
    json_put(app->result, "commands", list);
}

static void
list_all(struct app *app)
{
    out_line(app, "sealpost: sealed referrals between agencies\n");
    for (size_t i = 0; i < commands_count; i++)
        if (commands[i].name[0] != '\0')
            out_line(app, "  %-12s %s", commands[i].name, commands[i].summary);
    out_line(app, "\n%s", global_help);
    list_json(app);
}

int
cmd_help(struct app *app, int argc, char **argv)
{
    const struct command *c;

    if (argc < 2) {
        list_all(app);
        out_next(app, "sealpost");
        return EXIT_CODE_OK;
    }
    c = find(argv[1]);
    if (c == NULL)
        return command_unknown(app, argv[1]);
    out_line(app, "sealpost %s %s\n\n%s.", c->name, c->args, c->summary);
    if (c->help != NULL)
        out_line(app, "\n%s", c->help);
    json_put_str(app->result, "name", c->name);
    json_put_str(app->result, "args", c->args);
    json_put_str(app->result, "summary", c->summary);
    return EXIT_CODE_OK;
}

int
cmd_version(struct app *app, int argc, char **argv)
{
    (void)argc;
    (void)argv;
    out_line(app, "sealpost " SEALPOST_VERSION);
    json_put_str(app->result, "version", SEALPOST_VERSION);
    return EXIT_CODE_OK;
}
