//! Links in mails lead where the operator says, whatever a request claims about where it was sent.

mod kit;

use std::path::Path;

use kit::{Connection, Server, dev_command, files, until};
use serde_json::json;

const PUBLIC: &str = "https://pay.example:8443";

/// What a stranger may say of the host: the request's target and its lines.
const CLAIMS: [(&str, &str); 5] = [
    ("", "Host: evil.example\r\n"),
    ("", "Host: 127.0.0.1\r\nX-Forwarded-Host: evil.example\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Port: 666\r\n"),
    ("", "Host: 127.0.0.1\r\nForwarded: host=evil.example;proto=http\r\nX-Original-URL: http://evil.example/\r\n"),
    ("http://evil.example", "Host: 127.0.0.1\r\n"),
    ("http://evil.example", "Host: evil.example\r\nOrigin: http://evil.example\r\nReferer: http://evil.example/\r\n"),
];

#[test]
fn no_claim_about_the_host_reaches_a_mailed_link() {
    for public in [Some(PUBLIC), None] {
        let dir = tempfile::tempdir().unwrap();
        let mut command = dev_command(dir.path());
        if let Some(public) = public {
            command.env("COUNTERFOIL_CONTROL__PUBLIC_URL", public);
        }
        let server = Server::dev_with(command, dir.path());
        let control = server.url("control").to_owned();
        let (links, mut sent) = (public.unwrap_or(&control), 0);
        for (at, (target, claims)) in CLAIMS.into_iter().enumerate() {
            let email = format!("jo{at}@example.com");
            let person = json!({
                "email": email, "password": "SecurePass1", "firstName": "Jo", "lastName": "Doe", "companyName": "Doe",
            });
            let reset = json!({"email": email});
            for (path, body, status) in
                [("register", person, 201), ("resend", reset.clone(), 202), ("password/forgot", reset, 202)]
            {
                let answered = ask(&control, target, claims, path, &body.to_string());
                assert_eq!(answered, status, "{target} {claims:?} {path}");
                sent += 1;
            }
        }
        let mails = until("every mail is written", || {
            let mails = mails(dir.path());
            (mails.len() == sent).then_some(mails)
        });
        for mail in mails {
            assert!(!mail.contains("evil.example") && !mail.contains(":666"), "{mail}");
            let link = mail.lines().find(|line| line.contains("?token=")).expect("a link");
            assert!(link.starts_with(&format!("{links}/dashboard/auth/")), "{link}");
        }
    }
}

/// One call below `/dashboard/auth/` with these claims; its status.
fn ask(control: &str, target: &str, claims: &str, path: &str, body: &str) -> u16 {
    let length = body.len();
    let request = format!(
        "POST {target}/dashboard/auth/{path} HTTP/1.1\r\n{claims}Content-Type: application/json\r\n\
         Content-Length: {length}\r\n\r\n{body}"
    );
    let mut connection = Connection::open(control);
    connection.write(request.as_bytes()).expect("it is sent");
    connection.read().expect("it answers").status
}

/// To whom we have asked for them: `dev`'s own owner hears of the live environment.
fn mails(data: &Path) -> Vec<String> {
    let folder = data.join("mail");
    let written = if folder.is_dir() { files(&folder) } else { Vec::new() };
    let mails = written.into_iter().filter(|path| path.extension().is_some_and(|ending| ending == "eml"));
    let mails = mails.map(|path| std::fs::read_to_string(path).expect("a mail"));
    mails.filter(|mail| mail.contains("To: <jo")).collect()
}
