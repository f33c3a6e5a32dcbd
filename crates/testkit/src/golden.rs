//! One file of `conformance/`: what is given, a request, and the answer to the byte.
//!
//! Lines `# given: …` come first. In the request words in braces stand for what a test fills in; in the answer they stand for
//! what differs from run to run, put there by the test's `veil`.

use std::path::{Path, PathBuf};

use axum::body::Body;
use http::Request;

use crate::Answer;

/// Set to write what is found into the files instead of comparing. Read the difference before it is kept.
const BLESS: &str = "COUNTERFOIL_BLESS";

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
        let headers = names.map(|name| (name.to_owned(), answer.header(name).to_owned())).collect();
        Expected { status: answer.status.to_string(), headers, body: veil(&answer.body) }
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
