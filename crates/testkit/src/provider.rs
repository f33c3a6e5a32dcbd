//! A payment provider that opens pages and says nothing by itself: a test signs its events.

use base::{Secret, Time, signature};
use control::billing::{Checkout, NotOpened, Page, Provider};
use control::planes::BoxFuture;

pub struct TestProvider {
    secret: Secret<String>,
    away: bool,
}

impl TestProvider {
    /// One that is away opens nothing.
    pub fn new(away: bool) -> TestProvider {
        TestProvider { secret: secret(), away }
    }
}

impl Provider for TestProvider {
    fn open(&self, checkout: Checkout) -> BoxFuture<'_, Result<Page, NotOpened>> {
        Box::pin(async move {
            if self.away {
                return Err(NotOpened { why: "away".to_owned() });
            }
            let (url, reference) = (format!("https://pay.example/{}", checkout.id), format!("cs_{}", checkout.id));
            Ok(Page { url, reference })
        })
    }

    fn events_secret(&self) -> &Secret<String> {
        &self.secret
    }
}

/// The header of an event that is sent at this time.
pub fn signed(body: &str, at: Time) -> String {
    signature::sign(&secret(), body.as_bytes(), at)
}

fn secret() -> Secret<String> {
    Secret::new("whsec_of_a_test".to_owned())
}
