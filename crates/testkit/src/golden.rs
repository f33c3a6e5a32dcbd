//! One file of `conformance/`: what is given, a request, and the answer to the byte.
//!
//! Lines `# given: …` come first. In the request words in braces stand for what a test fills in; in the answer they stand for
//! what differs from run to run, put there by the test's `veil`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::body::Body;
use control::Row;
use http::Request;
use tokio::task::JoinSet;

use crate::Answer;

/// Set to write what is found into the files instead of comparing. Read the difference before it is kept.
pub(crate) const BLESS: &str = "COUNTERFOIL_BLESS";

pub struct Case {
    folder: PathBuf,
    pub path: PathBuf,
    pub given: Vec<String>,
    pub method: String,
    pub target: String,
    pub headers: Vec<(String, String)>,
    pub body: String,
    pub answer: Expected,
}

pub struct Expected {
    /// `200 OK`.
    pub status: String,
    /// Those that are of interest; others may come too.
    pub headers: Vec<(String, String)>,
    pub body: String,
}

/// Every case of one surface, in order of path.
pub fn all(surface: &str) -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../conformance").join(surface);
    let mut found = Vec::new();
    let mut folders = vec![folder.clone()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(&next).unwrap_or_else(|error| panic!("{}: {error}", next.display())) {
            let path = entry.expect("an entry").path();
            match path.extension() {
                None => folders.push(path),
                Some(_) => found.push(Case::read(&folder, path)),
            }
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

/// Cases that are played at once: each waits for its own disk.
const AT_ONCE: usize = 6;

/// Plays every case of one of the office's surfaces, and tells what differs and which statuses a row does not list. `anywhere`:
/// those that none has to.
pub async fn check<F>(surface: &str, rows: &'static [&'static Row], anywhere: &[u16], play: fn(Arc<Case>) -> F)
where
    F: Future<Output = Answer> + Send + 'static,
{
    let cases = all(surface);
    assert!(!cases.is_empty(), "the listing is the contract");
    let mut cases = cases.into_iter().map(Arc::new);
    let (mut playing, mut wrong) = (JoinSet::new(), Vec::new());
    loop {
        while playing.len() < AT_ONCE
            && let Some(case) = cases.next()
        {
            let answer = play(Arc::clone(&case));
            playing.spawn(async move { (case, answer.await) });
        }
        let Some(played) = playing.join_next().await else { break };
        let (case, answer) = played.expect("a case that was played");
        wrong.extend(case.judge(&answer, veil));
        wrong.extend(case.unlisted(rows, anywhere, &answer));
    }
    assert!(wrong.is_empty(), "{} differ\n\n{}", wrong.len(), wrong.join("\n\n"));
}

impl Case {
    fn read(folder: &Path, path: PathBuf) -> Case {
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let given = text.lines().map_while(|line| line.strip_prefix("# given: ")).map(str::to_owned).collect();
        let exchange = without_givens(&text);
        let (asked, answered) = exchange.split_once("\nHTTP/1.1 ").unwrap_or_else(|| panic!("{}", path.display()));
        let (line, headers, body) = message(asked);
        let mut words = line.split(' ').map(str::to_owned);
        let (method, target) = (words.next().expect("a method"), words.next().expect("a target"));
        let (status, answer_headers, answer_body) = message(answered);
        let answer = Expected { status, headers: answer_headers, body: answer_body };
        Case { folder: folder.to_owned(), path, given, method, target, headers, body, answer }
    }

    /// `transfer/accepted`.
    pub fn name(&self) -> String {
        self.path.strip_prefix(&self.folder).unwrap_or(&self.path).with_extension("").display().to_string()
    }

    pub fn request(&self, fill: impl Fn(&str) -> String) -> Request<Body> {
        let mut request = Request::builder().method(self.method.as_str()).uri(fill(&self.target));
        for (name, value) in &self.headers {
            request = request.header(name, fill(value));
        }
        request.body(Body::from(fill(&self.body))).unwrap_or_else(|error| panic!("{}: {error}", self.name()))
    }

    /// What differs, or nothing. Writes it into the file instead where the environment asks for that.
    pub fn judge(&self, answer: &Answer, veil: impl Fn(&str) -> String) -> Option<String> {
        if std::env::var_os(BLESS).is_some() {
            self.bless(answer, veil);
            return None;
        }
        let found = Expected::of(answer, self.answer.headers.iter().map(|(name, _)| name.as_str()), veil);
        let same = self.answer.status == found.status
            && self.answer.headers == found.headers
            && self.answer.body == found.body;
        (!same).then(|| format!("{}\n--- expected\n{}\n--- found\n{}", self.name(), self.answer.text(), found.text()))
    }

    /// A status that the route's row does not list.
    fn unlisted(&self, rows: &[&Row], anywhere: &[u16], answer: &Answer) -> Option<String> {
        let path = self.target.split('?').next().unwrap_or_default();
        let fits = |row: &str| {
            let (row, path): (Vec<_>, Vec<_>) = (row.split('/').collect(), path.split('/').collect());
            row.len() == path.len() && row.iter().zip(&path).all(|(row, part)| row.starts_with('{') || row == part)
        };
        let row = rows.iter().find(|row| row.method == self.method && fits(row.path))?;
        let status = answer.status.as_u16();
        let listed = row.answers.contains(&status) || anywhere.contains(&status);
        (!listed).then(|| format!("{}: {} does not list {status}", self.name(), row.name))
    }

    /// The usual headers, and those that the file has already.
    fn bless(&self, answer: &Answer, veil: impl Fn(&str) -> String) {
        let text = std::fs::read_to_string(&self.path).expect("a case");
        let (asked, _) = text.split_once("\nHTTP/1.1 ").expect("an answer");
        let usual = ["Content-Type", "Allow", "Retry-After"];
        let listed = self.answer.headers.iter().map(|(name, _)| name.as_str());
        let further = listed.filter(|name| !usual.contains(name));
        let wanted = usual.into_iter().chain(further).filter(|name| answer.headers.contains_key(*name));
        let found = Expected::of(answer, wanted, veil);
        std::fs::write(&self.path, format!("{asked}\nHTTP/1.1 {}\n", found.text())).expect("a written case");
    }
}

impl Expected {
    fn of<'a>(answer: &Answer, names: impl Iterator<Item = &'a str>, veil: impl Fn(&str) -> String) -> Expected {
        let headers = names.map(|name| (name.to_owned(), veil(answer.header(name)))).collect();
        // A file ends with a line break whether the answer does or not.
        let body = veil(&answer.body).trim_end_matches('\n').to_owned();
        Expected { status: answer.status.to_string(), headers, body }
    }

    fn text(&self) -> String {
        let headers: String = self.headers.iter().map(|(name, value)| format!("{name}: {value}\n")).collect();
        match self.body.as_str() {
            "" => format!("{}\n{headers}", self.status).trim_end().to_owned(),
            body => format!("{}\n{headers}\n{body}", self.status),
        }
    }
}

/// A file's text without what is given: the exchange, as guides print it.
pub fn without_givens(text: &str) -> String {
    text.lines().skip_while(|line| line.starts_with('#')).map(|line| format!("{line}\n")).collect()
}

/// First line, headers, body without the line break at its end.
fn message(text: &str) -> (String, Vec<(String, String)>, String) {
    let (head, body) = text.trim_end().split_once("\n\n").unwrap_or((text.trim_end(), ""));
    let mut lines = head.lines();
    let first = lines.next().unwrap_or_default().to_owned();
    let header = |line: &str| {
        let (name, value) = line.split_once(": ").unwrap_or_else(|| panic!("no header: {line}"));
        (name.to_owned(), value.to_owned())
    };
    (first, lines.map(header).collect(), body.to_owned())
}

/// Puts words in braces for what the front office draws.
pub fn veil(body: &str) -> String {
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || "_-.".contains(letter);
    let (mut veiled, mut rest) = (String::new(), body);
    while let Some(start) = rest.find(is_part) {
        let (before, from) = rest.split_at(start);
        let (part, after) = from.split_at(from.find(|letter| !is_part(letter)).unwrap_or(from.len()));
        veiled.push_str(before);
        veiled.push_str(&drawn(part).unwrap_or_else(|| part.to_owned()));
        rest = after;
    }
    veiled + rest
}

/// Four signs of a recovery code.
fn is_group(part: &str) -> bool {
    part.len() == 4 && part.bytes().all(|sign| sign.is_ascii_uppercase() || (b'2'..=b'7').contains(&sign))
}

fn drawn(part: &str) -> Option<String> {
    let shapes = [
        ("usr_", 16, "{user}"),
        ("tnt_", 16, "{tenant}"),
        ("ses_", 16, "{session}"),
        ("ctr_", 16, "{contract}"),
        ("biz_", 16, "{business}"),
        ("req_", 20, "{request}"),
        // A user's id in base64url.
        ("dXNyX", 22, "{handle}"),
        ("inv_", 16, "{invitation}"),
        ("chk_", 16, "{checkout}"),
        ("bill_", 16, "{bill}"),
        ("key_test_", 12, "{key}"),
        ("key_live_", 12, "{live key}"),
        ("pk_test_", 12, "pk_test_{id}"),
        ("pk_live_", 12, "pk_live_{id}"),
    ];
    let of_shape = |(prefix, length, word): (&str, usize, &str)| {
        (part.starts_with(prefix) && part.len() == prefix.len() + length).then(|| word.to_owned())
    };
    if let Some(word) = shapes.into_iter().find_map(of_shape) {
        return Some(word);
    }
    if let Some((public, _)) = part.split_once('.').filter(|(public, _)| public.starts_with("pk_")) {
        return drawn(public).map(|public| format!("{public}.{{secret}}"));
    }
    if part.split('-').count() == 3 && part.split('-').all(is_group) {
        return Some("{recovery code}".to_owned());
    }
    if part.starts_with("eyJ") {
        return Some("{token}".to_owned());
    }
    // An address that somebody sent.
    if part.starts_with("0x") {
        return None;
    }
    if part.starts_with("usr_") && part.contains(".ses_") {
        return Some("{cookie}".to_owned());
    }
    if part.len() == 64 && part.bytes().all(|sign| sign.is_ascii_digit() || (b'a'..=b'f').contains(&sign)) {
        return Some("{hash}".to_owned());
    }
    (part.len() >= 28 && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte)))
        .then(|| "{secret}".to_owned())
}
