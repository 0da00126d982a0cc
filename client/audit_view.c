#include "client/audit_view.h"

#include <stdlib.h>
#include <string.h>

const char *
view_class_name(unsigned class)
{
    static const char *const names[VIEW_CLASSES] = {
        [VIEW_ROUTINE] = "routine",
        [VIEW_URGENT] = "urgent",
    };

    return class < VIEW_CLASSES ? names[class] : "unknown";
}

void
audit_view_clear(struct audit_view *v)
{
    free(v->agencies);
    free(v->days);
    free(v->agency_days);
    free(v->reasons);
    free(v->exceptions);
    free(v->reads);
    free(v->readers);
    free(v->scopes);
    memset(v, 0, sizeof(*v));
}

bool
view_counts_empty(const struct balance_counts *counts)
{
    static const struct balance_counts nothing;

    return memcmp(counts, &nothing, sizeof(nothing)) == 0;
}
