//! Where a live receiver is sent.

/// The configured address of the verification provider: `{reference}` in it is replaced by the link's token; without
/// one, `reference=…` is added to its query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderUrl {
    before: String,
    after: String,
}

/// Why a text is not the address of a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAProvider {
    #[error("must begin with https:// (or http:// for a host of your own) and name a host")]
    Scheme,
    #[error("must be printable ASCII without spaces, quotes, angle brackets or #")]
    Letters,
    #[error("must not have {{reference}} in its host, or twice")]
    Reference,
}

const REFERENCE: &str = "{reference}";

impl ProviderUrl {
    pub fn parse(text: &str) -> Result<ProviderUrl, NotAProvider> {
        let rest =
            text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")).ok_or(NotAProvider::Scheme)?;
        let host = rest.split(['/', '?']).next().unwrap_or_default();
        if host.is_empty() {
            return Err(NotAProvider::Scheme);
        }
        if text.bytes().any(|byte| !byte.is_ascii_graphic() || b"\"'<>#\\`".contains(&byte)) {
            return Err(NotAProvider::Letters);
        }
        match text.split_once(REFERENCE) {
            Some((_, after)) if host.contains('{') || after.contains(REFERENCE) => Err(NotAProvider::Reference),
            Some((before, after)) => Ok(ProviderUrl { before: before.to_owned(), after: after.to_owned() }),
            None => {
                let joint = if text.contains('?') { '&' } else { '?' };
                Ok(ProviderUrl { before: format!("{text}{joint}reference="), after: String::new() })
            }
        }
    }

    /// The address for this reference.
    pub(crate) fn with(&self, reference: &str) -> String {
        let encoded: String = form_urlencoded::byte_serialize(reference.as_bytes()).collect();
        format!("{}{encoded}{}", self.before, self.after)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reference_goes_where_it_is_named_or_into_the_query() {
        let with = |text: &str| ProviderUrl::parse(text).unwrap().with("a&b/c");
        assert_eq!(with("https://verify.example/{reference}/start?x=1"), "https://verify.example/a%26b%2Fc/start?x=1");
        assert_eq!(with("https://verify.example"), "https://verify.example?reference=a%26b%2Fc");
        assert_eq!(with("https://verify.example/s?x=1"), "https://verify.example/s?x=1&reference=a%26b%2Fc");
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for (text, why) in [
            ("", NotAProvider::Scheme),
            ("javascript:alert(1)", NotAProvider::Scheme),
            ("https://", NotAProvider::Scheme),
            ("https://?a", NotAProvider::Scheme),
            ("https://a/\r\nSet-Cookie: x", NotAProvider::Letters),
            ("https://a/é", NotAProvider::Letters),
            ("https://a/#{reference}", NotAProvider::Letters),
            ("https://{reference}.example/", NotAProvider::Reference),
            ("https://a/{reference}/{reference}", NotAProvider::Reference),
        ] {
            assert_eq!(ProviderUrl::parse(text), Err(why), "{text:?}");
        }
    }
}
