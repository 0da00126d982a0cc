#include "common/err.h"

static const struct {
    const char *name;
    const char *text;
} errors[] = {
#define ERR_ROW(name, text) {#name, text},
    ERR_TABLE(ERR_ROW)
#undef ERR_ROW
};

const char *
err_name(enum err e)
{
    return (unsigned)e < ERR_COUNT ? errors[e].name : "ERR_?";
}

const char *
err_text(enum err e)
{
    return (unsigned)e < ERR_COUNT ? errors[e].text : "unknown error";
}
