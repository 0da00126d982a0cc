#include "server/handlers.h"

static handler_fn *const handlers[256] = {
    [MSG_SEND] = handle_send,
    [MSG_RECEIPT] = handle_receipt,
    [MSG_WITHDRAW] = handle_withdraw,
    [MSG_EVENTS_GET] = handle_events_get,
    [MSG_PROOF_GET] = handle_proof_get,
    [MSG_BLOB_PUT] = handle_blob_put,
    [MSG_BLOB_GET] = handle_blob_get,
    [MSG_BLOB_END] = handle_blob_end,
    [MSG_PREKEY_PUT] = handle_prekey_put,
    [MSG_PREKEY_GET] = handle_prekey_get,
    [MSG_COLLECTED_GET] = handle_collected_get,
    [MSG_DIR_GET] = handle_dir_get,
    [MSG_STMT_PUT] = handle_stmt_put,
    [MSG_CONSISTENCY_GET] = handle_consistency_get,
    [MSG_TILE_GET] = handle_tile_get,
    [MSG_COSIGNED_GET] = handle_cosigned_get,
    [MSG_INVITE_NEW] = handle_invite_new,
    [MSG_JOIN] = handle_join,
    [MSG_JOIN_STATUS] = handle_join_status,
    [MSG_JOIN_LIST] = handle_join_list,
    [MSG_JOIN_REFUSE] = handle_join_refuse,
    [MSG_AUDIT_GET] = handle_audit_get,
    [MSG_RECEIPT_GET] = handle_receipt_get,
};

handler_fn *
handler_of(unsigned type)
{
    return type < 256 ? handlers[type] : 0;
}
