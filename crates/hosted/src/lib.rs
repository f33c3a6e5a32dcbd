//! Pages that a receiver sees, and what the verification provider sends back (`docs/sandbox.md`). No
//! key is needed: a page is opened by a signed link, a callback proves itself by its signature.
//!
//! - In a sandbox `/kyc/{token}` shows a page on which a tester plays the provider: verify or reject.
//! - On live it leads to the configured provider, or says that support verifies. It has no form there: what decides in a
//!   sandbox takes a witness that a live plane does not make.
//! - `POST /kyc/callback` takes the provider's signed word, on either side, once a secret is configured.

mod callback;
mod form;
mod pages;
mod provider;

use axum::Router;
use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequestParts, Path, Request, State};
use axum::response::Response;
use axum::routing::{get, post};
use base::{Secret, Stop};
use gate::{Gate, Refusal, Visited};
use http::StatusCode;
use http::request::Parts;
use plane::kyc::{self, Opened, Verdict};
use plane::sandbox::Sandbox;

use form::{Choice, FormRefusal};
use pages::{Notice, Pages};

pub use provider::{NotAProvider, ProviderUrl};

/// What the pages have to be told.
#[derive(Clone, Default)]
pub struct Options {
    /// Where a receiver of live is sent to be verified.
    pub provider: Option<ProviderUrl>,
    /// What the provider signs its callbacks with. Without it there is no callback.
    pub callback_secret: Option<Secret<String>>,
    /// Scheme and host under which the pages are reached from outside, when a proxy in front changes `Host`.
    pub public_url: Option<String>,
}

/// The pages and the callback. Serve them inside [`gate::front`].
pub fn routes(gate: Gate, options: Options) -> Router {
    let callbacks = Router::new().route("/kyc/callback", post(callback::take)).with_state(options.clone());
    let pages = match gate.plane().sandbox() {
        Some(witness) => Router::new()
            .route("/kyc/{token}", get(choose).post(decide))
            .route("/kyc/{token}/result", get(result))
            .with_state((witness, options)),
        None => Router::new().route("/kyc/{token}", get(lead_on)).with_state(options),
    };
    gate::open(pages, gate.clone(), Pages).merge(gate::open(callbacks, gate, callback::Callbacks))
}

/// The sandbox's page, with its two buttons.
async fn choose(visited: Visited, page: Page) -> Response {
    let seal = kyc::seal_form(&visited.plane, &page.opened);
    pages::choose(&page.token, &page.opened, &seal)
}

/// What the tester found out, kept.
async fn decide(
    State((witness, options)): State<(Sandbox, Options)>,
    visited: Visited,
    page: Page,
    request: Request,
) -> Response {
    let choice = match form::read(request, &visited, &page.opened, options.public_url.as_deref()).await {
        Ok(choice) => choice,
        Err(FormRefusal::Gate(refusal)) => return visited.refuse(&refusal),
        Err(FormRefusal::NotFromThePage) => return pages::notice(StatusCode::FORBIDDEN, Notice::NotFromThePage),
        Err(FormRefusal::NoChoice) => return pages::notice(StatusCode::BAD_REQUEST, Notice::NoChoice),
    };
    let verdict = match choice {
        Choice::Verify => Verdict::Verified { dollars: None },
        Choice::Reject => Verdict::Unverified { dollars: None },
    };
    match kyc::judge_on_page(&visited.plane, witness, &page.opened, verdict).await {
        // So that loading the answer again asks for it again, and does not send the form again.
        Ok(()) => pages::see(&format!("/kyc/{}/result", page.token)),
        Err(Stop::Refused(_)) => visited.refuse(&Refusal::NotFound),
        Err(Stop::Faulted(fault)) => visited.change_faulted(&fault),
    }
}

async fn result(page: Page) -> Response {
    pages::result(&page.token, &page.opened)
}

/// Live's page: who verifies, and how to get there.
async fn lead_on(State(options): State<Options>, page: Page) -> Response {
    match options.provider {
        _ if page.opened.standing().verified => pages::notice(StatusCode::OK, Notice::Verified),
        Some(provider) => pages::see(&provider.with(&page.token)),
        None => pages::notice(StatusCode::OK, Notice::Support),
    }
}

/// A page that a signed link opened. Whatever else the link is, there is no such page.
struct Page {
    token: String,
    opened: Opened,
}

impl<S: Send + Sync> FromRequestParts<S> for Page {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Page, Response> {
        let visited = Visited::from_request_parts(parts, state).await?;
        let named: Result<Path<String>, PathRejection> = Path::from_request_parts(parts, state).await;
        let token = named.map(|Path(token)| token).unwrap_or_default();
        let opened = kyc::open_link(&visited.plane, &token).map_err(|fault| visited.read_faulted(&fault))?;
        let page = opened.map(|opened| Page { token, opened });
        page.ok_or_else(|| visited.refuse(&Refusal::NotFound))
    }
}
