//! One file of `conformance/cashq`: what is given, a request, and the answer to the byte.
//!
//! Lines `# given: …` come first. In the request `{agent}`, `{revoked}` and their like stand for keys in that state; in
//! the answer `{token}` stands for a signed link's token.

use std::path::{Path, PathBuf};

use axum::body::Body;
use http::Request;
use testkit::Answer;

pub struct Case {
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

pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../conformance/cashq")
}

/// Every case, in order of path.
pub fn all() -> Vec<Case> {
    let mut found = Vec::new();
    let mut folders = vec![folder()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            match path.extension() {
                None => folders.push(path),
                Some(_) => found.push(Case::read(path)),
            }
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

impl Case {
    pub fn read(path: PathBuf) -> Case {
        let text = std::fs::read_to_string(&path).unwrap();
        let given = text.lines().map_while(|line| line.strip_prefix("# given: ")).map(str::to_owned).collect();
        let exchange = without_givens(&text);
        let (asked, answered) = exchange.split_once("\nHTTP/1.1 ").unwrap_or_else(|| panic!("{}", path.display()));
        let (line, headers, body) = message(asked);
        let mut words = line.split(' ');
        let (method, target) = (words.next().unwrap().to_owned(), words.next().unwrap().to_owned());
        let (status, answer_headers, answer_body) = message(answered);
        let answer = Expected { status, headers: answer_headers, body: answer_body };
        Case { path, given, method, target, headers, body, answer }
    }

    /// `transfer/accepted`.
    pub fn name(&self) -> String {
        self.path.strip_prefix(folder()).unwrap().with_extension("").display().to_string()
    }

    pub fn request(&self, fill: impl Fn(&str) -> String) -> Request<Body> {
        let mut request = Request::builder().method(self.method.as_str()).uri(&self.target);
        for (name, value) in &self.headers {
            request = request.header(name, fill(value));
        }
        request.body(Body::from(fill(&self.body))).unwrap()
    }

    /// What differs, or nothing.
    pub fn differs(&self, answer: &Answer) -> Option<String> {
        let found = Expected::of(answer, self.answer.headers.iter().map(|(name, _)| name.as_str()));
        let same = self.answer.status == found.status
            && self.answer.headers == found.headers
            && self.answer.body == found.body;
        (!same).then(|| format!("{}\n--- expected\n{}\n--- found\n{}", self.name(), self.answer.text(), found.text()))
    }

    /// Writes what was found into the file, to be read and judged by who asked for it.
    pub fn bless(&self, answer: &Answer) {
        let text = std::fs::read_to_string(&self.path).unwrap();
        let (asked, _) = text.split_once("\nHTTP/1.1 ").unwrap();
        let wanted = ["content-type", "allow", "retry-after", "ratelimit-policy", "ratelimit"];
        let wanted = wanted.into_iter().filter(|name| {
            !name.starts_with("ratelimit") || self.name().contains("agent_balance/ok") || answer.status == 429
        });
        let found = Expected::of(answer, wanted.filter(|name| answer.headers.contains_key(*name)));
        std::fs::write(&self.path, format!("{asked}\nHTTP/1.1 {}\n", found.text())).unwrap();
    }
}

impl Expected {
    fn of<'a>(answer: &Answer, names: impl Iterator<Item = &'a str>) -> Expected {
        let headers = names.map(|name| (titled(name), answer.header(name).to_owned())).collect();
        Expected { status: answer.status.to_string(), headers, body: with_token(&answer.body) }
    }

    fn text(&self) -> String {
        let headers: String = self.headers.iter().map(|(name, value)| format!("{name}: {value}\n")).collect();
        match self.body.as_str() {
            "" => format!("{}\n{headers}", self.status).trim_end().to_owned(),
            body => format!("{}\n{headers}\n{body}", self.status),
        }
    }
}

/// A file's text without what is given: the exchange, as the guide prints it.
pub fn without_givens(text: &str) -> String {
    text.lines().skip_while(|line| line.starts_with('#')).map(|line| format!("{line}\n")).collect()
}

/// First line, headers, body without the line break at its end.
fn message(text: &str) -> (String, Vec<(String, String)>, String) {
    let (head, body) = text.trim_end().split_once("\n\n").unwrap_or((text.trim_end(), ""));
    let mut lines = head.lines();
    let first = lines.next().unwrap().to_owned();
    let headers =
        lines.map(|line| line.split_once(": ").unwrap()).map(|(name, value)| (name.to_owned(), value.to_owned()));
    (first, headers.collect(), body.to_owned())
}

/// The one part of an answer that differs from run to run.
fn with_token(body: &str) -> String {
    let Some((before, after)) = body.split_once("/kyc/") else { return body.to_owned() };
    let is_token = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit();
    format!("{before}/kyc/{{token}}{}", after.trim_start_matches(is_token))
}

/// `Content-Type`, as headers are written in documents.
fn titled(name: &str) -> String {
    let known = [("ratelimit", "RateLimit"), ("ratelimit-policy", "RateLimit-Policy")];
    if let Some((_, titled)) = known.iter().find(|(plain, _)| plain.eq_ignore_ascii_case(name)) {
        return (*titled).to_owned();
    }
    let word = |word: &str| format!("{}{}", word[..1].to_ascii_uppercase(), &word[1..].to_ascii_lowercase());
    name.split('-').map(word).collect::<Vec<_>>().join("-")
}
