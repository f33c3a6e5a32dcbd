//! Who may call what: one row for each route, in the order owner, admin, developer, finance, viewer. `B` reaches both
//! environments, `S` the sandbox, `N` neither. A row lists what the route itself answers; see [`ANYWHERE`] for the rest.

/// What every route may answer besides: the gate's own refusals, and a fault.
pub const ANYWHERE: &[u16] = &[408, 413, 415, 429, 500, 503];

control::rows! {
    REGISTER: POST "/dashboard/auth/register", anyone, at Nowhere, 201 400;
    VERIFY: GET "/dashboard/auth/verify", anyone, at Nowhere, 200 400;
    RESEND: POST "/dashboard/auth/resend", anyone, at Nowhere, 202 400;
    LOGIN: POST "/dashboard/auth/login", anyone, at Nowhere, 200 400 401 403;
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
    STEP_UP_PASSKEY: POST "/dashboard/auth/step-up/passkey-options", signed, at Nowhere, 200 401 403 409;
    SECOND_STEP: POST "/dashboard/auth/login/mfa-verify", anyone, at Nowhere, 200 400 401 403;
    SECOND_STEP_PASSKEY: POST "/dashboard/auth/login/passkey-options", anyone, at Nowhere, 200 400 401 409;
    FACTORS: GET "/dashboard/auth/mfa", signed, at Nowhere, 200 401 403;
    TOTP_BEGIN: POST "/dashboard/auth/mfa/totp", signed, at Nowhere, step_up, 201 401 403 409;
    TOTP_CONFIRM: POST "/dashboard/auth/mfa/totp/confirm", signed, at Nowhere, step_up, 200 400 401 403 409;
    TOTP_REMOVE: DELETE "/dashboard/auth/mfa/totp", signed, at Nowhere, step_up, 200 401 403 404;
    RECOVERY_CODES: POST "/dashboard/auth/mfa/recovery-codes", signed, at Nowhere, step_up, 201 401 403 409;
    PASSKEY_OPTIONS: POST "/dashboard/auth/mfa/passkeys/options", signed, at Nowhere, step_up, 200 401 403 409;
    PASSKEY_ADD: POST "/dashboard/auth/mfa/passkeys", signed, at Nowhere, step_up, 201 400 401 403 409;
    PASSKEY_LIST: GET "/dashboard/auth/mfa/passkeys", signed, at Nowhere, 200 401 403;
    PASSKEY_REMOVE: DELETE "/dashboard/auth/mfa/passkeys/{id}", signed, at Nowhere, step_up, 200 401 403 404;
    /// The public halves of what session tokens are signed with.
    SIGNERS: GET "/.well-known/jwks.json", anyone, at Nowhere, 200;
    PROVISION: POST "/dashboard/contracts/provision", seats(B B S N N), at Body, 200 201 400 401 403 409;
    STATUS: GET "/dashboard/contracts/{tenantId}/status", seats(B B B B B), at Nowhere, 200 401 403 404;
    CONTRACTS: GET "/dashboard/contracts", seats(B B B B B), at Nowhere, 200 401 403;
    SANDBOX_RESET: POST "/dashboard/environments/sandbox/reset", seats(B B S N N), at Nowhere, 200 401 403 409;
    KEY_CREATE: POST "/dashboard/api-keys", seats(B B S N N), at Body, step_up, 201 400 401 403 409;
    KEY_LIST: GET "/dashboard/api-keys", seats(B B S N B), at Nowhere, 200 400 401 403;
    KEY_GET: GET "/dashboard/api-keys/{id}", seats(B B S N B), at Path, 200 401 403 404;
    /// Disabling never waits for a proof; enabling asks for one.
    KEY_CHANGE: PATCH "/dashboard/api-keys/{id}", seats(B B S N N), at Path, 200 400 401 403 404 409;
    KEY_ROTATE: POST "/dashboard/api-keys/{id}/rotate", seats(B B S N N), at Path, step_up, 201 400 401 403 404 409;
    KEY_REVOKE: DELETE "/dashboard/api-keys/{id}", seats(B B S N N), at Path, step_up, 200 401 403 404;
    BILLING_USAGE: GET "/dashboard/billing/usage", seats(B B B B B), at Nowhere, 200 400 401 403;
    /// Where the user has seats.
    PLACES: GET "/dashboard/auth/tenants", signed, at Nowhere, 200 401 403;
    SWITCH: POST "/dashboard/auth/switch", signed, at Nowhere, 200 400 401 403 404;
    MEMBER_LIST: GET "/dashboard/members", seats(B B B B B), at Nowhere, 200 401 403;
    MEMBER_CHANGE: PATCH "/dashboard/members/{userId}", seats(B B N N N), at Nowhere, step_up, 200 400 401 403 404 409;
    MEMBER_REMOVE: DELETE "/dashboard/members/{userId}", seats(B B N N N), at Nowhere, step_up, 200 401 403 404 409;
    INVITE: POST "/dashboard/members/invitations", seats(B B N N N), at Nowhere, step_up, 201 400 401 403 409;
    INVITATION_LIST: GET "/dashboard/members/invitations", seats(B B N N N), at Nowhere, 200 401 403;
    INVITATION_WITHDRAW: DELETE "/dashboard/members/invitations/{id}", seats(B B N N N), at Nowhere, 200 401 403 404;
    INVITATION_HOW: GET "/dashboard/auth/invitations/accept", anyone, at Nowhere, 200;
    INVITATION_ACCEPT: POST "/dashboard/auth/invitations/accept", anyone, at Nowhere, 200 400 401 409;
    INVITATION_JOIN: POST "/dashboard/auth/invitations/join", signed, at Nowhere, 200 400 401 403 409;
    /// Of the environment that the query names, or else of the one that the user prefers.
    NOTIFICATIONS: GET "/dashboard/notifications", seats(B B S B B), at Query, 200 400 401 403;
    NOTIFICATIONS_CHANGE: PATCH "/dashboard/notifications", seats(B B S B N), at Query, 200 400 401 403;
    AUDIT: GET "/dashboard/audit", seats(B B N N N), at Nowhere, 200 400 401 403;
    /// JSON lines, each with its hash and the one before it.
    AUDIT_EXPORT: GET "/dashboard/audit/export", seats(B B N N N), at Nowhere, 200 401 403;
    TENANT: GET "/dashboard/tenant", seats(B B B B B), at Nowhere, 200 401 403;
    APPROVAL: GET "/dashboard/approval", seats(B B B B B), at Nowhere, 200 401 403;
    APPROVAL_APPLY: POST "/dashboard/approval", seats(B B N N N), at Nowhere, 201 400 401 403 409;
    PLAN: GET "/dashboard/billing/plan", seats(B B B B B), at Nowhere, 200 400 401 403;
    /// Where a payment provider is there the answer is a page to pay at, else a request that the operator answers.
    PLAN_CHOOSE: POST "/dashboard/billing/plan", seats(B B N B N), at Nowhere, step_up, 201 202 400 401 403 409;
    PROVIDER_EVENT: POST "/dashboard/billing/provider-events", provider, at Nowhere, 200 400 404;
}
