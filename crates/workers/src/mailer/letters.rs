//! What mails say, as messages by RFC 5322: a fixed set of headers and a text of short lines. Names that people chose stand in
//! the text alone, and an address that could break a header's line is not written.

use base::{Fault, Time};
use control::mail::{Kind, Outgoing};

/// What a letter may name.
pub struct Places<'a> {
    /// The dashboard, without a slash at its end.
    pub public: &'a str,
    pub from: &'a str,
    /// Where clients reach the live environment.
    pub live: Option<&'a str>,
}

/// A message as it goes out.
pub struct Letter {
    pub message: String,
    /// What its reader is to open.
    pub link: Option<String>,
}

impl Letter {
    pub fn write(outgoing: &Outgoing, places: &Places<'_>, now: Time) -> Result<Letter, Fault> {
        let link = link(outgoing, places)?;
        let text = text(outgoing, places, link.as_deref().unwrap_or_default());
        let host = places.public.split("://").last().unwrap_or_default();
        let host = host.split(['/', ':']).next().unwrap_or_default();
        let headers = [
            ("Date", date(now)?),
            ("From", format!("<{}>", address(places.from)?)),
            ("To", format!("<{}>", address(&outgoing.address)?)),
            ("Subject", subject(outgoing.kind).to_owned()),
            ("Message-ID", format!("<{}@{host}>", outgoing.id)),
            ("Auto-Submitted", "auto-generated".to_owned()),
            ("MIME-Version", "1.0".to_owned()),
            ("Content-Type", "text/plain; charset=utf-8".to_owned()),
            ("Content-Transfer-Encoding", "8bit".to_owned()),
        ];
        let mut message = String::new();
        for (name, value) in headers {
            message.push_str(&format!("{name}: {value}\r\n"));
        }
        for line in text.lines().map(str::trim_end) {
            message.push_str("\r\n");
            message.push_str(line);
        }
        message.push_str("\r\n");
        Ok(Letter { message, link })
    }
}

/// Where the letter's token is used. A letter that needs one and has none is not written.
fn link(outgoing: &Outgoing, places: &Places<'_>) -> Result<Option<String>, Fault> {
    let path = match outgoing.kind {
        Kind::Confirm => "/dashboard/auth/verify",
        Kind::Reset => "/dashboard/auth/password/reset",
        Kind::Invited => "/dashboard/auth/invitations/accept",
        Kind::AlreadyHere
        | Kind::PasswordChanged
        | Kind::FactorsChanged
        | Kind::LiveActive
        | Kind::LiveApproved
        | Kind::LiveRejected
        | Kind::Suspended
        | Kind::PlanChanged
        | Kind::KeyCreated
        | Kind::KeyRevoked => return Ok(None),
    };
    let token = outgoing.token.as_ref().ok_or_else(|| Fault::new("the mail has no token for its link"))?;
    Ok(Some(format!("{}{path}?token={}", places.public, token.expose())))
}

fn subject(kind: Kind) -> &'static str {
    match kind {
        Kind::Confirm => "Confirm your address",
        Kind::AlreadyHere => "You already have an account",
        Kind::Reset => "Choose a new password",
        Kind::Invited => "You are invited",
        Kind::PasswordChanged => "Your password was changed",
        Kind::FactorsChanged => "Your second factor was changed",
        Kind::LiveActive => "Your live environment is active",
        Kind::LiveApproved => "Your live environment is approved",
        Kind::LiveRejected => "Your live environment is not approved",
        Kind::Suspended => "An environment was suspended",
        Kind::PlanChanged => "Your plan has changed",
        Kind::KeyCreated => "A key was created",
        Kind::KeyRevoked => "A key was revoked",
    }
}

fn text(outgoing: &Outgoing, places: &Places<'_>, link: &str) -> String {
    let fact = |name: &str| shown(outgoing.facts.get(name).and_then(|fact| fact.as_str()).unwrap_or_default());
    let key = format!("{} {}", fact("key"), fact("name"));
    let (public, reason) = (places.public, because(&fact("reason")));
    let live = places.live.unwrap_or("shown in the dashboard.");
    match outgoing.kind {
        Kind::Confirm => format!(
            "Open this link within 7 days to confirm your address:\n\n{link}\n\n\
             If you did not register at {public}, do nothing: no one can use your address.\n"
        ),
        Kind::AlreadyHere => format!(
            "Somebody, perhaps you, has registered at {public} with this address.\nIt has an account already: sign in \
             with it, or choose a new password if you\nforgot yours. If it was not you, do nothing.\n"
        ),
        Kind::Reset => format!(
            "Open this link within 30 minutes to choose a new password:\n\n{link}\n\n\
             If you did not ask for it, do nothing: your password stays as it is.\n"
        ),
        Kind::Invited => format!(
            "{} invites you to {} at\n{public}, as {}.\nOpen this link within 7 days to accept:\n\n{link}\n\n\
             If you do not know who that is, do nothing.\n",
            fact("by"),
            fact("company"),
            fact("role"),
        ),
        Kind::PasswordChanged => format!(
            "The password of your account at {public} was changed, and all\nsessions have ended. If it was not you, \
             choose a new password now.\n"
        ),
        Kind::FactorsChanged => format!(
            "{} your account at {public},\nand its other sessions have ended. If it was not you, choose a new password \
             now\nand tell the operator.\n",
            factor(&fact("what"))
        ),
        Kind::LiveActive => live_active(&fact("company"), public, live),
        Kind::LiveApproved => live_approved(&fact("company"), &reason, public, live),
        Kind::LiveRejected => live_rejected(&fact("company"), &reason, public),
        Kind::Suspended => suspended(&fact("environment"), &fact("company"), &reason),
        Kind::PlanChanged => plan_changed(&fact("company"), &fact("tier"), &fact("product"), public),
        Kind::KeyCreated => about_key("created", &fact("environment"), &key, public),
        Kind::KeyRevoked => about_key("revoked", &fact("environment"), &key, public),
    }
}

fn factor(what: &str) -> &'static str {
    match what {
        "totp_confirmed" => "An authenticator app was added to",
        "totp_removed" => "The authenticator app was removed from",
        "passkey_added" => "A passkey was added to",
        "passkey_removed" => "A passkey was removed from",
        "factors_taken_away" => "The operator has taken away every second factor of",
        _ => "New recovery codes were made for",
    }
}

fn about_key(done: &str, environment: &str, key: &str, public: &str) -> String {
    format!(
        "A key of your {environment} environment was {done}:\n\n{key}\n\n\
         If that was nobody of yours, sign in at {public}, revoke what is not\nyours and change your password.\n"
    )
}

fn live_active(company: &str, public: &str, live: &str) -> String {
    format!("The live environment of {company} is active.\nIts address is {live}\nCreate its keys at {public}\n")
}

fn live_approved(company: &str, reason: &str, public: &str, live: &str) -> String {
    format!(
        "{company} may go live.{reason}\nOnce its plan allows it, open the environment at {public};\nits address will be \
         {live}\n"
    )
}

fn live_rejected(company: &str, reason: &str, public: &str) -> String {
    format!("{company} may not go live yet.{reason}\nYou may apply again at {public}\n")
}

fn suspended(environment: &str, company: &str, reason: &str) -> String {
    format!(
        "The {environment} environment of {company} was suspended: its keys\nare refused until it is resumed.{reason}\n"
    )
}

fn plan_changed(company: &str, tier: &str, product: &str, public: &str) -> String {
    format!("{company} has the plan {tier} of {product} from now on.\nSee {public}\n")
}

/// The operator's reason as a paragraph of its own, where there is one.
fn because(reason: &str) -> String {
    if reason.is_empty() { String::new() } else { format!("\n\n{reason}\n") }
}

/// A name on one line.
fn shown(name: &str) -> String {
    name.chars().filter(|sign| !sign.is_control()).take(200).collect()
}

/// An address of visible ASCII without what ends it in a header.
fn address(address: &str) -> Result<&str, Fault> {
    let usable =
        address.contains('@') && address.bytes().all(|byte| byte.is_ascii_graphic() && !b"<>,;\"()".contains(&byte));
    usable.then_some(address).ok_or_else(|| Fault::new("the mail's address cannot stand in a header"))
}

fn date(now: Time) -> Result<String, Fault> {
    let at = jiff::Timestamp::from_microsecond(now.0);
    let at = at.and_then(|at| jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_string(&at));
    at.map_err(|error| Fault::because("writing a mail's date", error))
}

#[cfg(test)]
mod tests {
    use base::{Secret, Time};
    use control::mail::{Kind, Outgoing};
    use serde_json::json;

    use super::{Letter, Places};

    const PLACES: Places<'static> = Places {
        public: "https://pay.example:8443",
        from: "office@pay.example",
        live: Some("https://api.pay.example"),
    };

    fn written(kind: Kind, address: &str, token: Option<&str>) -> Option<Letter> {
        let token = token.map(|token| Secret::new(token.to_owned()));
        let facts = json!({"company": "Ørsted\r\nBcc: all@example.com", "name": "till \u{7f}1"});
        let outgoing = Outgoing { id: "0001".to_owned(), kind, address: address.to_owned(), token, facts };
        Letter::write(&outgoing, &PLACES, Time(1_767_225_600_000_000)).ok()
    }

    #[test]
    fn a_letter_is_headers_an_empty_line_and_a_text_that_ends_in_its_link() {
        let letter = written(Kind::Confirm, "jo@example.com", Some("tkt_1")).unwrap();
        let link = "https://pay.example:8443/dashboard/auth/verify?token=tkt_1";
        assert_eq!(letter.link.as_deref(), Some(link));
        let (headers, text) = letter.message.split_once("\r\n\r\n").unwrap();
        let expected = [
            "Date: Thu, 1 Jan 2026 00:00:00 -0000",
            "From: <office@pay.example>",
            "To: <jo@example.com>",
            "Subject: Confirm your address",
            "Message-ID: <0001@pay.example>",
            "Auto-Submitted: auto-generated",
            "MIME-Version: 1.0",
            "Content-Type: text/plain; charset=utf-8",
            "Content-Transfer-Encoding: 8bit",
        ];
        assert_eq!(headers.split("\r\n").collect::<Vec<_>>(), expected);
        assert!(text.split("\r\n").any(|line| line == link), "the link has a line of its own: {text}");
        assert!(letter.message.split("\r\n").all(|line| line.len() <= 998 && !line.contains(['\r', '\n'])));
        assert!(letter.message.ends_with("\r\n"));
    }

    #[test]
    fn every_kind_has_its_words_and_no_name_becomes_a_header() {
        let all = [
            (Kind::Confirm, true),
            (Kind::AlreadyHere, false),
            (Kind::Reset, true),
            (Kind::PasswordChanged, false),
            (Kind::FactorsChanged, false),
            (Kind::Invited, true),
            (Kind::LiveActive, false),
            (Kind::LiveApproved, false),
            (Kind::LiveRejected, false),
            (Kind::Suspended, false),
            (Kind::PlanChanged, false),
            (Kind::KeyCreated, false),
            (Kind::KeyRevoked, false),
        ];
        for (kind, linked) in all {
            let letter = written(kind, "jo@example.com", linked.then_some("tkt_1")).unwrap();
            assert_eq!(letter.link.is_some(), linked, "{kind:?}");
            assert!(!letter.message.contains("\r\nBcc:") && !letter.message.contains('\u{7f}'), "{kind:?}");
            assert_eq!(letter.message.contains("tkt_1"), linked, "{kind:?}");
        }
        let live = written(Kind::LiveActive, "jo@example.com", None).unwrap();
        assert!(
            live.message.contains("ØrstedBcc: all@example.com") && live.message.contains("https://api.pay.example\r\n")
        );
    }

    #[test]
    fn what_would_break_a_header_or_lacks_its_token_is_not_written() {
        for address in ["jo", "jo@example.com\r\nBcc: x@example.com", "<jo@example.com>", "a@b,c@d", "j o@example.com"]
        {
            assert!(written(Kind::Confirm, address, Some("tkt_1")).is_none(), "{address:?}");
        }
        assert!(written(Kind::Reset, "jo@example.com", None).is_none());
    }
}
