//! The provider's interface, as far as it is used: one call, which opens a page for a subscription. A tenant pays there; what
//! it paid is told by signed events (`control::billing::heard`).

use std::time::Duration;

use base::{Asset, Fault, Secret};
use control::billing::{Checkout, NotOpened, Page, Provider};
use control::planes::BoxFuture;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use serde::Deserialize;

const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// An answer has some thousand bytes.
const ANSWER_MOST: usize = 256 * 1024;

pub struct Stripe {
    http: reqwest::Client,
    /// Without a slash at its end.
    base: String,
    events: Secret<String>,
    /// Where people come back to.
    back: String,
}

/// Whether a secret may be sent to this address: not in clear over a network.
pub fn may_be_told(base: &str) -> bool {
    let Ok(url) = reqwest::Url::parse(base) else { return false };
    let near = url.host_str().is_some_and(|host| matches!(host, "127.0.0.1" | "[::1]" | "localhost"));
    url.scheme() == "https" || url.scheme() == "http" && near
}

impl Stripe {
    pub fn new(base: &str, key: &Secret<String>, events: Secret<String>, back: &str) -> Result<Stripe, Fault> {
        // Fails only when it is installed already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut value = HeaderValue::from_str(&format!("Bearer {}", key.expose()))
            .map_err(|_| Fault::new("the payment provider's key has characters that no header can carry"))?;
        value.set_sensitive(true);
        let http = reqwest::Client::builder()
            .default_headers(HeaderMap::from_iter([(AUTHORIZATION, value)]))
            .timeout(ANSWER_WITHIN)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .map_err(|error| Fault::because("building the payment provider's HTTP client", error))?;
        Ok(Stripe { http, base: base.trim_end_matches('/').to_owned(), events, back: back.to_owned() })
    }

    async fn ask(&self, checkout: Checkout) -> Result<Page, NotOpened> {
        let request = self
            .http
            .post(format!("{}/v1/checkout/sessions", self.base))
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header("idempotency-key", &checkout.id)
            .body(form(&checkout, &self.back));
        let lost = |error: reqwest::Error| not_opened(error.without_url().to_string());
        let mut response = request.send().await.map_err(lost)?;
        let status = response.status();
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(lost)? {
            if body.len() + chunk.len() > ANSWER_MOST {
                return Err(not_opened("its answer is too long"));
            }
            body.extend_from_slice(&chunk);
        }
        if !status.is_success() {
            return Err(not_opened(format!("it answered {status}{}", told(&body))));
        }
        let session = serde_json::from_slice::<Session>(&body).map_err(|_| not_opened("its answer is no session"))?;
        if !may_be_told(&session.url) {
            return Err(not_opened("its page is at no address that can be opened"));
        }
        Ok(Page { url: session.url, reference: session.id })
    }
}

impl Provider for Stripe {
    fn open(&self, checkout: Checkout) -> BoxFuture<'_, Result<Page, NotOpened>> {
        Box::pin(self.ask(checkout))
    }

    fn events_secret(&self) -> &Secret<String> {
        &self.events
    }
}

#[derive(Deserialize)]
struct Session {
    id: String,
    url: String,
}

/// A monthly subscription to one plan. Its events carry the checkout's id, the session's as `client_reference_id` and the
/// subscription's in its metadata.
fn form(checkout: &Checkout, back: &str) -> String {
    // Prices have six places and the interface counts cents, with decimals where it must.
    let cents = base::Amount::new(checkout.price.minor, CENTS).to_string();
    let name = format!("{} {}", checkout.product.word(), checkout.tier);
    let fields = [
        ("mode", "subscription"),
        ("client_reference_id", &checkout.id),
        ("customer_email", &checkout.email),
        ("line_items[0][quantity]", "1"),
        ("line_items[0][price_data][currency]", "usd"),
        ("line_items[0][price_data][unit_amount_decimal]", cents.as_str()),
        ("line_items[0][price_data][recurring][interval]", "month"),
        ("line_items[0][price_data][product_data][name]", name.as_str()),
        ("subscription_data[metadata][checkout]", &checkout.id),
        ("success_url", back),
        ("cancel_url", back),
    ];
    form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

/// Cents with the places that are left of a price's six.
const CENTS: Asset = Asset::new("USC", 4);

/// What an error's body says, on one line and short.
fn told(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let text: String = text.chars().filter(|sign| !sign.is_control()).take(200).collect();
    if text.is_empty() { text } else { format!(": {text}") }
}

fn not_opened(why: impl Into<String>) -> NotOpened {
    NotOpened { why: why.into() }
}

#[cfg(test)]
mod tests {
    use base::Amount;
    use control::billing::Checkout;
    use control::plans::{PRICE, Product};

    use super::{form, may_be_told};

    #[test]
    fn a_price_is_told_in_cents_and_its_checkout_in_both_places() {
        let checkout = Checkout {
            id: "chk_1".to_owned(),
            product: Product::Pacspace,
            tier: "pilot".to_owned(),
            price: Amount::parse("1000.125", PRICE).unwrap(),
            email: "jo+pay@example.com".to_owned(),
        };
        let form = form(&checkout, "https://pay.example");
        let fields: Vec<(String, String)> = form_urlencoded::parse(form.as_bytes()).into_owned().collect();
        let field = |name: &str| fields.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str());
        assert_eq!(field("line_items[0][price_data][unit_amount_decimal]"), Some("100012.5000"));
        assert_eq!(field("client_reference_id"), Some("chk_1"));
        assert_eq!(field("subscription_data[metadata][checkout]"), Some("chk_1"));
        assert_eq!(field("customer_email"), Some("jo+pay@example.com"));
    }

    #[test]
    fn a_secret_is_sent_over_a_network_under_tls_alone() {
        for good in ["https://api.stripe.com", "http://127.0.0.1:7000/fake", "http://localhost"] {
            assert!(may_be_told(good), "{good}");
        }
        for bad in ["http://api.stripe.com", "ftp://127.0.0.1", "http://127.0.0.1.example.com", "nonsense"] {
            assert!(!may_be_told(bad), "{bad}");
        }
    }
}
