//! Mails over SMTP: encrypted where they have to be, and each arrives, whatever the server does on the way.
#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod kit;

use std::sync::{Arc, OnceLock};

use base::{Secret, Span};
use control::mail;
use kit::office::House;
use kit::until;
use testkit::mailbox::{Fate, Mailbox, Manners, Received};
use tokio::runtime::Handle;
use workers::mailer::Smtp;
use workers::{Addresses, OfficeWorkers, Post};

const FROM: &str = "office@pay.example";
const JO: &str = "jo@example.com";

fn start(house: &House, server: Smtp) -> OfficeWorkers {
    let public = Arc::new(OnceLock::from("https://pay.example".to_owned()));
    let addresses = Addresses { public, from: FROM.to_owned() };
    OfficeWorkers::start(house.control.clone(), house.planes(), Post::Smtp(server), addresses, &Handle::current())
}

/// The server as `scheme` reaches it, with a login, trusting its authority or another's.
fn server(scheme: &str, mailbox: &Mailbox, authority: &str) -> Smtp {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let login = Some(("office".to_owned(), Secret::new("hush".to_owned())));
    Smtp::new(&format!("{scheme}://{}", mailbox.address), login, Some(authority.as_bytes()), "pay.example").unwrap()
}

/// The same in clear, without a login.
fn plain(mailbox: &Mailbox) -> Smtp {
    Smtp::new(&format!("smtp://{}", mailbox.address), None, None, "pay.example").unwrap()
}

fn header<'m>(mail: &'m Received, name: &str) -> &'m str {
    let value = mail.message.lines().find_map(|line| line.strip_prefix(name));
    value.unwrap_or_else(|| panic!("no {name} in {}", mail.message))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mail_goes_encrypted_with_a_login_and_leads_where_people_reach_the_office() {
    for (scheme, manners) in [("smtp", Manners::Encrypted), ("smtps", Manners::Wrapped)] {
        let (house, mailbox) = (House::new(), Mailbox::open(manners));
        let running = start(&house, server(scheme, &mailbox, &mailbox.authority));
        house.register(JO).await;
        until("the mail arrives", || mailbox.received().len() == 1).await;
        until("it waits no more", || mail::waiting(&house.control).unwrap() == 0).await;
        let mail = mailbox.received().remove(0);
        assert!(mail.encrypted, "{scheme}");
        assert_eq!(mail.login.as_deref(), Some("\0office\0hush"));
        assert_eq!((mail.from.as_str(), mail.to.as_str()), (FROM, JO));
        assert_eq!(header(&mail, "To: "), "<jo@example.com>");
        assert!(mail.message.contains("\nhttps://pay.example/dashboard/auth/verify?token="), "{}", mail.message);
        running.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_does_not_encrypt_or_that_nobody_vouches_for_is_sent_nothing() {
    let stranger = Mailbox::open(Manners::Encrypted).authority.clone();
    for manners in [Manners::Plain, Manners::Encrypted] {
        let (house, mailbox) = (House::new(), Mailbox::open(manners));
        let running = start(&house, server("smtp", &mailbox, &stranger));
        house.register(JO).await;
        until("it is tried", || mailbox.visits() > 0).await;
        running.stop().await;
        assert_eq!((mailbox.received(), mail::waiting(&house.control).unwrap()), (Vec::new(), 1), "{manners:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mail_that_is_not_taken_goes_later_and_one_that_was_lost_sight_of_goes_twice_at_most() {
    for (fate, copies) in [(Fate::Later, 1), (Fate::Never, 1), (Fate::CutWithin, 1), (Fate::CutAfter, 3)] {
        let (house, mailbox) = (House::new(), Mailbox::open(Manners::Plain));
        mailbox.script([fate, fate]);
        let running = start(&house, plain(&mailbox));
        house.register(JO).await;
        for visits in 1..=3 {
            until("it is tried", || mailbox.visits() == visits).await;
            // Longer than a mail that failed waits, as often as it fails here.
            let tried = || {
                house.clock.advance(Span::seconds(1));
                mailbox.visits() > visits || mail::waiting(&house.control).unwrap() == 0
            };
            until("it is tried again", tried).await;
        }
        house.clock.advance(Span::days(1));
        let mails = mailbox.received();
        assert_eq!((mails.len(), mailbox.visits()), (copies, 3), "{fate:?}");
        // Who reads them knows the copies by it.
        assert!(mails.iter().all(|mail| header(mail, "Message-ID: ") == header(&mails[0], "Message-ID: ")), "{fate:?}");
        running.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mails_wait_for_a_server_that_is_down_and_all_of_them_arrive() {
    let house = House::new();
    let mailbox = Mailbox::open(Manners::Plain);
    let (address, running) = (mailbox.address, start(&house, plain(&mailbox)));
    drop(mailbox);
    let people: Vec<String> = (0..5).map(|number| format!("jo{number}@example.com")).collect();
    for person in &people {
        house.register(person).await;
    }
    assert_eq!(mail::waiting(&house.control).unwrap(), 5);
    let mailbox = Mailbox::at(address, Manners::Plain);
    until("all arrive", || {
        house.clock.advance(Span::seconds(5));
        mail::waiting(&house.control).unwrap() == 0
    })
    .await;
    running.stop().await;
    let mut arrived: Vec<String> = mailbox.received().into_iter().map(|mail| mail.to).collect();
    arrived.sort();
    arrived.dedup();
    assert_eq!(arrived, people);
}
