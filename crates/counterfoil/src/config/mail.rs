//! How mails leave: over a server, or not at all.

use std::path::Path;

use base::Secret;
use workers::mailer::{Post, Smtp};

use super::check::Check;
use super::{Mail, file};

impl Check<'_> {
    /// `public` is where links in mails lead. Whoever sends mails has to say it: what control listens on need not be reachable.
    pub(super) fn mail(&mut self, from: &file::Mail, public: Option<&str>) -> Mail {
        let sender = self.sender(&from.from);
        let password =
            self.secret("control.mail.smtp_password_file", &from.smtp_password_file, "CONTROL_SMTP_PASSWORD");
        if from.smtp_url.is_empty() {
            for (key, text) in [("smtp_user", &from.smtp_user), ("smtp_ca_file", &from.smtp_ca_file)] {
                if !text.is_empty() {
                    let path = format!("control.mail.{key}");
                    self.problems.add(&path, "is for a server alone: empty it, or give `control.mail.smtp_url`");
                }
            }
            return Mail { from: sender, post: Post::Held };
        }
        if public.is_none() {
            let remedy =
                "is empty while `control.mail.smtp_url` is not: say where people reach it, for links lead there";
            self.problems.add("control.public_url", remedy);
        }
        let login = self.login(&from.smtp_user, password);
        let authority = self.authority(&from.smtp_ca_file);
        let hello = public.map_or("localhost", super::host);
        let post = match Smtp::new(&from.smtp_url, login, authority.as_deref(), hello) {
            Ok(server) => Post::Smtp(server),
            Err(fault) => {
                self.problems.add("control.mail.smtp_url", format!("is of no use: {}", fault.chain()));
                Post::Held
            }
        };
        Mail { from: sender, post }
    }

    fn login(&mut self, user: &str, password: Option<Secret<String>>) -> Option<(String, Secret<String>)> {
        match (user, password) {
            ("", None) => None,
            ("", Some(_)) => {
                self.problems.add("control.mail.smtp_user", "is empty while there is a password: say whose it is");
                None
            }
            (user, Some(password)) => Some((user.to_owned(), password)),
            (_, None) => {
                let remedy = "leads to no password while `control.mail.smtp_user` is given: name its file";
                self.problems.add("control.mail.smtp_password_file", remedy);
                None
            }
        }
    }

    fn sender(&mut self, text: &str) -> Option<String> {
        let usable = text.split_once('@').is_some_and(|(name, host)| !name.is_empty() && !host.is_empty())
            && text.bytes().all(|byte| byte.is_ascii_graphic() && !b"<>,;\"()".contains(&byte));
        self.want(text.is_empty() || usable, "control.mail.from", text, "an address, such as \"office@example.com\"");
        (!text.is_empty()).then(|| text.to_owned())
    }

    fn authority(&mut self, file: &str) -> Option<Vec<u8>> {
        if file.is_empty() {
            return None;
        }
        match std::fs::read(Path::new(file)) {
            Ok(pem) => Some(pem),
            Err(error) => {
                self.problems.add("control.mail.smtp_ca_file", format!("names {file}, which cannot be read ({error})"));
                None
            }
        }
    }
}
