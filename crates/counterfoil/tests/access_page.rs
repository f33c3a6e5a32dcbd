//! `docs/access.md` says who may call what. It is printed from the rows that the gate judges by, and this compares the two; with
//! `COUNTERFOIL_BLESS` set it writes the page instead.

use std::fmt::Write;
use std::path::Path;

use control::{Reach, Role, Row, Where, Who};

const HEAD: &str = "\
# Who may call what

Every route of the front office has a row, and each request is judged by it: who calls, as what, in which environment, with which
proof. This page is printed from those rows; a test compares the two, and another calls every route in every role.

Beside what a row lists, any route may answer 408, 413, 415, 429, 500 and 503; to a change by a cookie, 403 `CSRF_REJECTED` where the
request may come from another site; and to a key in place of a session, 403 `KEY_NOT_ACCEPTED`. Another tenant's id is
answered as an unknown one. *Both* and *sandbox* are the environments that a role reaches; a dash is 403 `FORBIDDEN`.
A *fresh* proof is one of the last ten minutes; without it the answer is 403 `STEP_UP_REQUIRED`.
";

#[test]
fn the_page_says_what_the_rows_say() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/access.md");
    let page = page();
    if std::env::var_os("COUNTERFOIL_BLESS").is_some() {
        std::fs::write(&path, &page).expect("the page is written");
        return;
    }
    let kept = std::fs::read_to_string(&path).expect("the page is there");
    assert!(
        kept == page,
        "docs/access.md is not what the rows say: run this test with COUNTERFOIL_BLESS set, and read it"
    );
}

fn rows() -> Vec<&'static Row> {
    [pacspace::rows::ALL, paychain::rows::ALL].concat()
}

fn page() -> String {
    let mut page = HEAD.to_owned();
    let of = |fits: fn(&Who) -> bool| rows().into_iter().filter(move |row| fits(&row.who));
    let plain = "| route | proof | answers |\n|---|---|---|\n";
    let by_role = "| route | owner | admin | developer | finance | viewer | environment | proof | answers |\n\
                   |---|---|---|---|---|---|---|---|---|\n";
    let tables: [(&str, &str, Vec<&Row>); 4] = [
        ("Anyone", plain, of(|who| *who == Who::Anyone).collect()),
        ("Whoever is signed in", plain, of(|who| *who == Who::Signed).collect()),
        ("By role", by_role, of(|who| matches!(who, Who::Seats(_))).collect()),
        ("The payment provider, by its signature", plain, of(|who| *who == Who::Provider).collect()),
    ];
    for (title, head, rows) in tables {
        if rows.is_empty() {
            continue;
        }
        write!(page, "\n## {title}\n\n{head}").expect("a text takes text");
        rows.into_iter().for_each(|row| line(&mut page, row));
    }
    page
}

fn line(page: &mut String, row: &Row) {
    let answers = row.answers.iter().map(u16::to_string).collect::<Vec<_>>().join(", ");
    let proof = if row.step_up { "fresh" } else { "" };
    let route = format!("`{} {}`", row.method, row.path);
    let roles = match row.who {
        Who::Seats(_) => {
            let reaches = Role::ALL.map(|role| reach(row.reach(role))).join(" | ");
            format!(" {reaches} | {} |", place(row.at))
        }
        Who::Anyone | Who::Signed | Who::Provider => String::new(),
    };
    writeln!(page, "| {route} |{roles} {proof} | {answers} |").expect("a text takes text");
}

fn reach(reach: Reach) -> &'static str {
    match reach {
        Reach::No => "–",
        Reach::Sandbox => "sandbox",
        Reach::Both => "both",
    }
}

/// From what a request says its environment.
fn place(at: Where) -> &'static str {
    match at {
        Where::Nowhere => "",
        Where::Body => "in the body",
        Where::Path => "of the id",
        Where::Query => "in the query",
        Where::Header => "in a header",
    }
}
