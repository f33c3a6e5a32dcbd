//! The page at `/` of each listener: which environment this is, and where to go.

use axum::Router;
use axum::http::header;
use axum::response::Html;
use axum::routing::get;

/// What a landing page says.
pub struct Landing {
    pub title: &'static str,
    /// One sentence.
    pub about: &'static str,
    /// (what it is, address, whether it can be followed).
    pub places: Vec<(String, String, bool)>,
}

pub fn routes(landing: &Landing) -> Router {
    let page = page(landing);
    let policy =
        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
    Router::new().route(
        "/",
        get(move || {
            let page = page.clone();
            async move {
                ([(header::CONTENT_SECURITY_POLICY, policy), (header::REFERRER_POLICY, "no-referrer")], Html(page))
            }
        }),
    )
}

fn page(landing: &Landing) -> String {
    let rows: String = landing.places.iter().map(row).collect();
    let (title, about) = (landing.title, landing.about);
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Counterfoil: {title}</title>\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <style>body{{font:16px/1.5 system-ui,sans-serif;max-width:42rem;margin:3rem auto;padding:0 1rem}}\
         td{{padding:.2rem 1.5rem .2rem 0;vertical-align:top}}code{{font-size:.95em}}</style></head>\n\
         <body><h1>Counterfoil: {title}</h1>\n<p>{about}</p>\n<table>\n{rows}</table></body></html>\n"
    )
}

fn row((what, address, link): &(String, String, bool)) -> String {
    let (what, address) = (escaped(what), escaped(address));
    match link {
        true => format!("<tr><td>{what}</td><td><a href=\"{address}\">{address}</a></td></tr>\n"),
        false => format!("<tr><td>{what}</td><td><code>{address}</code></td></tr>\n"),
    }
}

pub fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
