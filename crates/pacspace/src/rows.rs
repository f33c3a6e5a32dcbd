//! Who may call what: one row for each route, in the order owner, admin, developer, finance, viewer. `B` reaches both
//! environments, `S` the sandbox, `N` neither. A row lists what the route itself answers; see [`ANYWHERE`] for the rest.

/// What every route may answer besides: the gate's own refusals, and a fault.
pub const ANYWHERE: &[u16] = &[408, 413, 415, 429, 500, 503];

control::rows! {
    REGISTER: POST "/dashboard/auth/register", anyone, at Nowhere, 201 400;
    VERIFY: GET "/dashboard/auth/verify", anyone, at Nowhere, 200 400;
    RESEND: POST "/dashboard/auth/resend", anyone, at Nowhere, 202 400;
    LOGIN: POST "/dashboard/auth/login", anyone, at Nowhere, 200 400 401;
    ME: GET "/dashboard/auth/me", signed, at Nowhere, 200 401 403;
    PREFERENCES: PATCH "/dashboard/auth/preferences", seats(B B S B B), at Body, 200 400 401 403 409;
    PASSWORD_FORGOT: POST "/dashboard/auth/password/forgot", anyone, at Nowhere, 202 400;
    PASSWORD_RESET_HOW: GET "/dashboard/auth/password/reset", anyone, at Nowhere, 200;
    PASSWORD_RESET: POST "/dashboard/auth/password/reset", anyone, at Nowhere, 200 400;
    PASSWORD_CHANGE: POST "/dashboard/auth/password/change", signed, at Nowhere, 200 400 401 403;
    LOGOUT: POST "/dashboard/auth/logout", signed, at Nowhere, 200 401 403;
    SESSIONS: GET "/dashboard/auth/sessions", signed, at Nowhere, 200 401 403;
    SESSION_REVOKE: DELETE "/dashboard/auth/sessions/{id}", signed, at Nowhere, 200 401 403 404;
    STEP_UP: POST "/dashboard/auth/step-up", signed, at Nowhere, 200 400 401 403;
    /// The public halves of what session tokens are signed with.
    SIGNERS: GET "/.well-known/jwks.json", anyone, at Nowhere, 200;
    PROVISION: POST "/dashboard/contracts/provision", seats(B B S N N), at Body, 200 201 400 401 403 409;
    STATUS: GET "/dashboard/contracts/{tenantId}/status", seats(B B B B B), at Nowhere, 200 401 403 404;
    CONTRACTS: GET "/dashboard/contracts", seats(B B B B B), at Nowhere, 200 401 403;
    KEY_CREATE: POST "/dashboard/api-keys", seats(B B S N N), at Body, step_up, 201 400 401 403 409;
    KEY_LIST: GET "/dashboard/api-keys", seats(B B S N B), at Nowhere, 200 400 401 403;
    KEY_GET: GET "/dashboard/api-keys/{id}", seats(B B S N B), at Path, 200 401 403 404;
    /// Disabling never waits for a proof; enabling asks for one.
    KEY_CHANGE: PATCH "/dashboard/api-keys/{id}", seats(B B S N N), at Path, 200 400 401 403 404 409;
    KEY_ROTATE: POST "/dashboard/api-keys/{id}/rotate", seats(B B S N N), at Path, step_up, 201 400 401 403 404 409;
    KEY_REVOKE: DELETE "/dashboard/api-keys/{id}", seats(B B S N N), at Path, step_up, 200 401 403 404;
}
