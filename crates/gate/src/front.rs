//! The outermost layer of one listener.

use std::convert::Infallible;

use axum::Router;
use axum::extract::Request;
use axum::response::Response;
use http::uri::{PathAndQuery, Uri};
use tower::ServiceExt;

use crate::{Gate, Refusal, Surface, Visited, open};

/// Everything that a listener serves, as one router; add nothing around it. What no route takes is refused in
/// `surface`'s words. Doubled slashes in a path are collapsed, because a documented base URL ends with one and documented
/// paths begin with one; a request without them pays nothing for that.
pub fn front<S: Surface>(routes: Router, gate: Gate, surface: S) -> Router {
    let nothing_here = |visited: Visited| async move { visited.refuse(&Refusal::NotFound) };
    let unmatched = open(Router::new().fallback(nothing_here), gate, surface);
    let collapsed_once = routes.clone().fallback_service(unmatched).with_state(());
    let second_try = tower::service_fn(move |request: Request| second_try(collapsed_once.clone(), request));
    routes.fallback_service(second_try).with_state(())
}

async fn second_try(routes: Router, mut request: Request) -> Result<Response, Infallible> {
    if let Some(uri) = collapsed(request.uri()) {
        *request.uri_mut() = uri;
    }
    routes.oneshot(request).await
}

/// The URI with single slashes, or `None` when it has no doubled ones.
fn collapsed(uri: &Uri) -> Option<Uri> {
    if !uri.path().contains("//") {
        return None;
    }
    let mut path = String::with_capacity(uri.path().len());
    for letter in uri.path().chars() {
        if letter != '/' || !path.ends_with('/') {
            path.push(letter);
        }
    }
    if let Some(query) = uri.query() {
        path.push('?');
        path.push_str(query);
    }
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::try_from(path).ok()?);
    Uri::from_parts(parts).ok()
}

#[cfg(test)]
mod tests {
    use super::collapsed;

    #[test]
    fn doubled_slashes_collapse_in_the_path_alone() {
        let after = |uri: &str| collapsed(&uri.parse().unwrap()).map(|uri| uri.to_string());
        assert_eq!(after("//api///status/7?back=//x").as_deref(), Some("/api/status/7?back=//x"));
        assert_eq!(after("http://h//api").as_deref(), Some("http://h/api"));
        assert_eq!(after("/api/status/7?back=//x"), None);
    }
}
