//! Who may call what: one row for each route, in the order owner, admin, developer, finance, viewer. `B` reaches both
//! environments, `S` the sandbox, `N` neither. A row lists what the route itself answers; see [`ANYWHERE`] for the rest.

/// What every route may answer besides: the gate's own refusals, and a fault.
pub const ANYWHERE: &[u16] = &[408, 413, 415, 429, 500, 503];

control::rows! {
    PAYOUT_KEY_CREATE: POST "/api/v1/businesses/{id}/payout-api-keys", seats(B B S N N), at Header, step_up,
        201 400 401 403 404 409;
    /// Names and last use; what a key may do is not in it.
    PAYOUT_KEY_LIST: GET "/api/v1/businesses/{id}/payout-api-keys", seats(B B S N B), at Header, 200 400 401 403 404;
    PAYOUT_KEY_GET: GET "/api/v1/businesses/{id}/payout-api-keys/{keyId}", seats(B B S N N), at Path, step_up,
        200 400 401 403 404;
    /// Renaming and disabling never wait for a proof; enabling and a change of what the key may do ask for one.
    PAYOUT_KEY_CHANGE: PATCH "/api/v1/businesses/{id}/payout-api-keys/{keyId}", seats(B B S N N), at Path,
        200 400 401 403 404 409;
    PAYOUT_KEY_ROTATE: POST "/api/v1/businesses/{id}/payout-api-keys/{keyId}/rotate", seats(B B S N N), at Path, step_up,
        201 400 401 403 404 409;
    PAYOUT_KEY_REVOKE: DELETE "/api/v1/businesses/{id}/payout-api-keys/{keyId}", seats(B B S N N), at Path, step_up,
        200 400 401 403 404;
}
