//! What an application says, how the operator decides, and the checklist: seven points, each done in the sandbox, attested, or
//! open. Pure.

use base::{Amount, Asset, Deed, Time, UserId};
use serde::{Deserialize, Serialize};

/// Why an approval did not change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("{field:?}: this says nothing that can be looked at")]
    FactUnusable { field: Fact },
    #[error("live is approved already")]
    Approved,
    #[error("no tenant has this id")]
    Unknown,
    #[error("reason: give 1 to 200 characters, none of them a control character")]
    ReasonUnusable,
}

/// Which fact is unusable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fact {
    LegalName,
    Country,
    Website,
    UseCase,
    MonthlyVolume,
    ContactName,
}

/// What a business says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    pub legal_name: String,
    /// Two capital letters.
    pub country: String,
    pub website: String,
    pub use_case: String,
    /// Dollars.
    pub monthly_volume: String,
    pub contact_name: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Application {
    pub facts: Facts,
    /// What the applicant says was done, in the order of [`Point::ALL`].
    pub attested: Vec<Point>,
    pub by: UserId,
    pub at: Time,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Approved,
    Rejected,
}

/// Where an approval stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    None,
    Open,
    Approved,
    Rejected,
}

/// What the gate before live hears of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judged {
    Undecided,
    Approved,
    Rejected { reason: Option<String> },
}

/// One point of the checklist.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Point {
    /// Every endpoint was called and answered.
    Endpoints,
    /// Errors were met.
    ErrorHandling,
    /// Something unusual was tried: a magic receiver or amount, weather, a forced state.
    EdgeCases,
    /// Requests carried ids of the caller's own.
    Logging,
    /// A key is bound to addresses or ends by itself.
    Security,
    /// Keys are kept where nobody reads them. Nobody can see that from here.
    KeyStorage,
    /// A request was sent again and answered as before.
    TimeoutsAndRetries,
}

/// How a point stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It was seen in the sandbox.
    Done,
    /// The tenant says so.
    Attested,
    Open,
}

/// One point as it is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PointView {
    pub point: Point,
    pub standing: Standing,
    /// So many of what it needs were seen; `None` where nothing can be or is known.
    pub seen: Option<(u32, u32)>,
}

/// The seven points: what was seen counts before what is said. `None`: the sandbox did not say what it has seen.
pub fn checklist(deeds: Option<u64>, attested: &[Point]) -> [PointView; 7] {
    Point::ALL.map(|point| {
        let seen = deeds.zip(point.wants()).map(|(deeds, (of, wanted))| {
            let found = of.iter().filter(|deed| deed.is_in(deeds)).count();
            (u32::try_from(found).unwrap_or(u32::MAX).min(wanted), wanted)
        });
        let standing = match seen {
            Some((found, wanted)) if found == wanted => Standing::Done,
            _ if attested.contains(&point) => Standing::Attested,
            _ => Standing::Open,
        };
        PointView { point, standing, seen }
    })
}

impl Point {
    pub const ALL: [Point; 7] = [
        Point::Endpoints,
        Point::ErrorHandling,
        Point::EdgeCases,
        Point::Logging,
        Point::Security,
        Point::KeyStorage,
        Point::TimeoutsAndRetries,
    ];

    pub fn word(self) -> &'static str {
        match self {
            Point::Endpoints => "endpoints",
            Point::ErrorHandling => "error handling",
            Point::EdgeCases => "edge cases",
            Point::Logging => "logging",
            Point::Security => "security",
            Point::KeyStorage => "key storage",
            Point::TimeoutsAndRetries => "time-outs and retries",
        }
    }

    /// The deeds that show it, and how many of them do.
    fn wants(self) -> Option<(&'static [Deed], u32)> {
        match self {
            Point::Endpoints => Some((&[Deed::Balance, Deed::Receiver, Deed::Check, Deed::Transfer, Deed::Status], 5)),
            Point::ErrorHandling => Some((&ERRORS, 3)),
            Point::EdgeCases => Some((&[Deed::Magic, Deed::Weather, Deed::Forced], 1)),
            Point::Logging => Some((&[Deed::OwnRequestId], 1)),
            Point::Security => Some((&[Deed::LimitedKey], 1)),
            Point::KeyStorage => None,
            Point::TimeoutsAndRetries => Some((&[Deed::Replay], 1)),
        }
    }
}

const ERRORS: [Deed; 8] = [
    Deed::MetAuthenticationError,
    Deed::MetInvalidRequest,
    Deed::MetInvalidPhoneNumber,
    Deed::MetTransferNotFound,
    Deed::MetInsufficientFunds,
    Deed::MetKycNotVerified,
    Deed::MetInternalServerError,
    Deed::MetServiceUnavailable,
];

impl Status {
    /// After an application; `None` where there is nothing to apply for. As in `docs/lifecycles.md`.
    pub(super) fn applied(self) -> Option<Status> {
        match self {
            Status::None | Status::Open | Status::Rejected => Some(Status::Open),
            Status::Approved => None,
        }
    }

    /// After the operator's word, whatever was before.
    pub(super) fn decided(verdict: Verdict) -> Status {
        match verdict {
            Verdict::Approved => Status::Approved,
            Verdict::Rejected => Status::Rejected,
        }
    }

    pub fn word(self) -> &'static str {
        match self {
            Status::None => "none",
            Status::Open => "open",
            Status::Approved => "approved",
            Status::Rejected => "rejected",
        }
    }
}

impl Verdict {
    /// Of its line in the audit log.
    pub(super) fn kind(self) -> &'static str {
        match self {
            Verdict::Approved => "live_approved",
            Verdict::Rejected => "live_rejected",
        }
    }
}

const FACT_CHARACTERS_MOST: usize = 200;
const USE_CASE_CHARACTERS_MOST: usize = 2_000;

/// Facts, in the order in which they are refused.
pub(super) fn check(facts: &Facts) -> Result<(), Refusal> {
    let country = facts.country.len() == 2 && facts.country.bytes().all(|letter| letter.is_ascii_uppercase());
    let website = facts.website.strip_prefix("https://").or_else(|| facts.website.strip_prefix("http://"));
    let website = website.is_some_and(|rest| is_shown(rest, FACT_CHARACTERS_MOST) && !rest.contains([' ', '"', '<']));
    let volume = facts.monthly_volume.len() <= 20 && Amount::parse(&facts.monthly_volume, Asset::USD).is_ok();
    // A use case may have several lines.
    let use_case = facts.use_case.replace(['\n', '\r', '\t'], " ");
    let checks = [
        (Fact::LegalName, is_shown(&facts.legal_name, FACT_CHARACTERS_MOST)),
        (Fact::Country, country),
        (Fact::Website, website),
        (Fact::UseCase, is_shown(&use_case, USE_CASE_CHARACTERS_MOST)),
        (Fact::MonthlyVolume, volume),
        (Fact::ContactName, is_shown(&facts.contact_name, FACT_CHARACTERS_MOST)),
    ];
    let wrong = checks.into_iter().find(|(_, usable)| !usable);
    wrong.map_or(Ok(()), |(field, _)| Err(Refusal::FactUnusable { field }))
}

/// Whether a reason can be told.
pub(crate) fn is_said(reason: &str) -> bool {
    is_shown(reason, FACT_CHARACTERS_MOST)
}

fn is_shown(text: &str, most: usize) -> bool {
    !text.trim().is_empty() && !text.chars().any(char::is_control) && text.chars().count() <= most
}
