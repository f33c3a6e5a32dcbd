//! The front office as its users meet it: from a registration to a key, and what becomes of keys when a process is away.

mod kit;

use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use kit::{Answer, Connection, Server, transfer, until};
use serde_json::{Value, json};

const BALANCE: &str = "/api/agent_balance";
const PASSWORD: &str = "SecurePass1";

/// Control as one person calls it: in a session once there is one.
struct Person<'a> {
    control: &'a str,
    token: String,
}

impl<'a> Person<'a> {
    fn nobody(control: &'a str) -> Person<'a> {
        Person { control, token: String::new() }
    }

    fn signed_in(control: &'a str, email: &str, password: &str) -> Person<'a> {
        let entry =
            Person::nobody(control).done(200, "POST", "auth/login", json!({"email": email, "password": password}));
        let token = entry["token"].as_str().expect("a token").to_owned();
        assert!(entry["role"] == "owner" && entry["accessToken"] == token, "{entry}");
        Person { control, token }
    }

    /// The owner of `dev.json`, whose environments are provisioned as everybody's are.
    fn owner(control: &'a str, facts: &Value) -> Person<'a> {
        let fact = |name: &str| facts[name].as_str().expect("dev.json has it");
        let owner = Person::signed_in(control, fact("email"), fact("password"));
        assert_eq!(owner.active_contracts().len(), 2);
        owner
    }

    fn active_contracts(&self) -> Vec<Value> {
        until("every environment is active", || {
            let contracts = self.get("contracts").as_array().expect("a list").clone();
            contracts.iter().all(|contract| contract["status"] == "active").then_some(contracts)
        })
    }

    /// One call below `/dashboard/`; no body where `body` is null.
    fn call(&self, method: &str, path: &str, body: Value) -> Answer {
        let body = (!body.is_null()).then(|| body.to_string());
        let path = format!("/dashboard/{path}");
        Connection::open(self.control).send_as(&self.token, method, &path, body.as_deref())
    }

    /// The data of a call that has to be answered so.
    fn done(&self, status: u16, method: &str, path: &str, body: Value) -> Value {
        let answer = self.call(method, path, body);
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.body);
        answer.json()["data"].take()
    }

    fn get(&self, path: &str) -> Value {
        self.done(200, "GET", path, Value::Null)
    }

    /// (status, code) of a call that has to be refused.
    fn refused(&self, method: &str, path: &str, body: Value) -> (u16, String) {
        let answer = self.call(method, path, body);
        let told = answer.json();
        assert_eq!(told["statusCode"], answer.status, "{told}");
        (answer.status, told["code"].as_str().unwrap_or_default().to_owned())
    }

    /// (id, whole key) of a new agent key.
    fn new_key(&self, environment: &str) -> (String, String) {
        let wish = json!({"name": "Main", "environment": environment, "kind": "agent"});
        let made = self.done(201, "POST", "api-keys", wish);
        let text = |field: &str| made[field].as_str().expect("a text").to_owned();
        assert_eq!(text("fullKey"), format!("{}.{}", text("publicKey"), text("secretKey")));
        (text("id"), text("fullKey"))
    }

    fn revoked(&self, id: &str) {
        let answer = self.done(200, "DELETE", &format!("api-keys/{id}"), Value::Null);
        assert_eq!(answer, json!({"id": id, "revoked": true}));
    }
}

#[test]
fn from_registration_to_a_sandbox_key_that_works_and_dies() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::dev(dir.path());
    let control = server.url("control");
    let (jo, tenant) = registered(dir.path(), control, "jo@example.com");
    let refusal = jo.refused("POST", "contracts/provision", json!({"environment": "mainnet"}));
    assert_eq!(refusal, (403, "PLAN_REQUIRED".to_owned()));

    let works = |key: &str| server.get("sandbox", BALANCE, Some(key)).status;
    let (id, key) = jo.new_key("test");
    assert_eq!(works(&key), 200);
    let listed = jo.get("api-keys");
    assert_eq!((&listed["total"], &listed["items"][0]["id"]), (&json!(1), &json!(id)), "{listed}");
    let (public, secret) = key.split_once('.').unwrap();
    assert!(listed["items"][0]["publicKey"] == public && !listed.to_string().contains(secret), "{listed}");

    // Another tenant's key is as unknown as one that nobody has.
    let owner = Person::owner(control, &server.facts);
    let unknown = unknown_id(&id);
    for (method, body) in [("GET", Value::Null), ("DELETE", Value::Null), ("PATCH", json!({"active": false}))] {
        let [foreign, unknown] = [&id, &unknown].map(|id| owner.call(method, &format!("api-keys/{id}"), body.clone()));
        assert_eq!(foreign.status, 404, "{method}: {}", foreign.body);
        assert_eq!((foreign.status, foreign.body), (unknown.status, unknown.body), "{method}");
    }
    assert_eq!(owner.refused("GET", &format!("contracts/{tenant}/status"), Value::Null).0, 404);
    assert_eq!(works(&key), 200, "the stranger changed nothing");

    jo.revoked(&id);
    assert_eq!(works(&key), 401);
    let (owners_id, owners_key) = owner.new_key("test");
    assert_eq!(works(&owners_key), 200);
    owner.revoked(&owners_id);
    assert_eq!(works(&owners_key), 401);

    let (_, kept) = owner.new_key("test");
    let (jo, owner) = (jo.token, owner.token);
    let [email, password] = ["email", "password"].map(|name| server.facts[name].clone());
    assert_eq!(server.interrupt().status.code(), Some(0));
    let server = Server::dev(dir.path());
    let control = server.url("control");
    assert_eq!((&server.facts["email"], &server.facts["password"]), (&email, &password));
    for (token, email) in [(jo, json!("jo@example.com")), (owner, email)] {
        assert_eq!(Person { control, token }.get("auth/me")["email"], email);
    }
    Person::owner(control, &server.facts);
    assert_eq!(server.get("sandbox", BALANCE, Some(&kept)).status, 200);
    assert_eq!(server.get("sandbox", BALANCE, Some(&key)).status, 401);
}

#[test]
fn keys_go_on_without_control_and_a_kept_revocation_comes_true() {
    let dir = tempfile::tempdir().unwrap();
    // `serve` sends no mail in this configuration, so that the owner comes from `dev`.
    let seeded = Server::dev(dir.path());
    let facts = seeded.facts.clone();
    assert_eq!(seeded.interrupt().status.code(), Some(0));
    let role = |role: &str| Server::role(role, dir.path());
    let (control, sandbox, live) = (role("control"), role("sandbox"), role("live"));
    for environment in ["sandbox", "live"] {
        the_intercom_is_closed_to_others(&dir.path().join(environment));
    }

    let status = |server: &Server, key: &str| server.get("listening", BALANCE, Some(key)).status;
    let owner = Person::owner(control.url("listening"), &facts);
    let ((id, key), (live_id, live_key)) = (owner.new_key("test"), owner.new_key("live"));
    assert_eq!((status(&sandbox, &key), status(&live, &live_key)), (200, 200));
    assert_eq!((status(&live, &key), status(&sandbox, &live_key)), (401, 401));

    let token = owner.token;
    assert_eq!(control.terminate().status.code(), Some(0));
    assert_eq!((status(&sandbox, &key), status(&live, &live_key)), (200, 200));
    let sent = sandbox.post("listening", "/api/transfer", Some(&key), &transfer("1", "5.00"));
    assert_eq!((sent.status, &sent.json()["success"]), (200, &json!(true)), "{}", sent.body);

    let control = role("control");
    sandbox.kill();
    let owner = Person { control: control.url("listening"), token };
    let away = (503, "PLANE_UNREACHABLE".to_owned());
    assert_eq!(owner.refused("DELETE", &format!("api-keys/{id}"), Value::Null), away);
    owner.revoked(&live_id);
    assert_eq!(status(&live, &live_key), 401, "one plane that is away holds up nothing of the other");

    // The revocation is kept though control dies with it.
    let token = owner.token;
    control.kill();
    let control = role("control");
    let sandbox = role("sandbox");
    until("the key is refused by itself", || {
        let status = status(&sandbox, &key);
        assert!([200, 401, 429].contains(&status), "{status}");
        (status == 401).then_some(())
    });
    let owner = Person { control: control.url("listening"), token };
    let listed = owner.get("api-keys");
    let items = listed["items"].as_array().expect("the seeded keys");
    assert!(items.len() == 6 && items.iter().all(|item| item["id"] != id), "{listed}");
    owner.revoked(&id);
}

/// A session of somebody who registered, found the link in the mail and followed it, and the tenant; its sandbox is active.
fn registered<'a>(data: &Path, control: &'a str, email: &str) -> (Person<'a>, String) {
    let began = Instant::now();
    let wish = json!({
        "email": email, "password": PASSWORD, "firstName": "Jo", "lastName": "Doe", "companyName": "Acme",
    });
    let made = Person::nobody(control).done(201, "POST", "auth/register", wish);
    let jo = Person::signed_in(control, email, PASSWORD);
    let contracts = jo.active_contracts();
    println!("figure: provisioning_ms = {}", began.elapsed().as_millis());
    assert!(contracts.len() == 1 && contracts[0]["tenantId"] == made["tenantId"], "{contracts:?}");
    assert_eq!(contracts[0]["environment"], "testnet");
    let early = jo.refused("POST", "contracts/provision", json!({"environment": "mainnet"}));
    assert_eq!((&made["isVerified"], early), (&json!(false), (403, "EMAIL_NOT_VERIFIED".to_owned())));

    let link = until("the mail comes", || link_to(&data.join("mail"), email));
    let path = link.strip_prefix(control).and_then(|path| path.strip_prefix("/dashboard/"));
    let path = path.unwrap_or_else(|| panic!("{link} leads elsewhere than {control}"));
    let wrong = Person::nobody(control).refused("GET", &format!("{path}x"), Value::Null);
    assert_eq!(wrong, (400, "TOKEN_INVALID".to_owned()));
    Person::nobody(control).done(200, "GET", path, Value::Null);
    let jo = Person::signed_in(control, email, PASSWORD);
    assert_eq!(jo.get("auth/me")["isVerified"], true);
    (jo, made["tenantId"].as_str().expect("an id").to_owned())
}

/// The link in the mail to this address, if one is there.
fn link_to(mail: &Path, email: &str) -> Option<String> {
    let entries = std::fs::read_dir(mail).ok()?;
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let letters = paths.filter(|path| path.extension().is_some_and(|extension| extension == "eml"));
    let mut texts = letters.map(|path| std::fs::read_to_string(path).expect("a text"));
    let letter = texts.find(|text| text.contains(&format!("To: <{email}>\r\n")))?;
    letter.lines().find(|line| line.contains("?token=")).map(str::to_owned)
}

/// A key id of the same shape that nobody has.
fn unknown_id(id: &str) -> String {
    let (rest, last) = id.split_at(id.len() - 1);
    format!("{rest}{}", if last == "7" { "6" } else { "7" })
}

fn the_intercom_is_closed_to_others(plane: &Path) {
    for file in ["intercom", "intercom.sock"] {
        let mode = std::fs::metadata(plane.join(file)).expect("it is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
    let forged = format!("x-intercom: t=1 n={:032} m={:064}\r\n", 0, 0);
    for proof in ["", "x-intercom: m=1\r\n", &forged] {
        let mut socket = UnixStream::connect(plane.join("intercom.sock")).expect("the socket answers");
        socket.set_read_timeout(Some(Duration::from_secs(60))).expect("the socket answers");
        let head = "POST /intercom/v1/ask HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 2\r\n";
        socket.write_all(format!("{head}{proof}\r\n{{}}").as_bytes()).expect("the socket answers");
        let mut answer = String::new();
        socket.read_to_string(&mut answer).expect("the socket answers");
        assert!(answer.starts_with("HTTP/1.1 401 "), "{proof:?}: {answer}");
    }
}
