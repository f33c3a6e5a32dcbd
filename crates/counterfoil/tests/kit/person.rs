//! A person at the dashboard.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{Answer, Connection, until};

pub const PASSWORD: &str = "SecurePass1";
/// From the registration to an active sandbox.
const PROVISIONED_WITHIN: Duration = Duration::from_secs(5);

/// Control as one person calls it: in a session once there is one.
pub struct Person<'a> {
    pub control: &'a str,
    pub token: String,
}

impl<'a> Person<'a> {
    pub fn nobody(control: &'a str) -> Person<'a> {
        Person { control, token: String::new() }
    }

    pub fn signed_in(control: &'a str, email: &str, password: &str) -> Person<'a> {
        let entry =
            Person::nobody(control).done(200, "POST", "auth/login", json!({"email": email, "password": password}));
        let token = entry["token"].as_str().expect("a token").to_owned();
        assert!(entry["role"] == "owner" && entry["accessToken"] == token, "{entry}");
        Person { control, token }
    }

    /// The owner of `dev.json`, whose environments are provisioned as everybody's are.
    pub fn owner(control: &'a str, facts: &Value) -> Person<'a> {
        let fact = |name: &str| facts[name].as_str().expect("dev.json has it");
        let owner = Person::signed_in(control, fact("email"), fact("password"));
        assert_eq!(owner.active_contracts().len(), 2);
        owner
    }

    pub fn active_contracts(&self) -> Vec<Value> {
        until("every environment is active", || {
            let contracts = self.get("contracts").as_array().expect("a list").clone();
            contracts.iter().all(|contract| contract["status"] == "active").then_some(contracts)
        })
    }

    /// One call below `/dashboard/`; no body where `body` is null.
    pub fn call(&self, method: &str, path: &str, body: Value) -> Answer {
        let body = (!body.is_null()).then(|| body.to_string());
        let path = format!("/dashboard/{path}");
        Connection::open(self.control).send_as(&self.token, method, &path, body.as_deref())
    }

    /// The data of a call that has to be answered so.
    pub fn done(&self, status: u16, method: &str, path: &str, body: Value) -> Value {
        let answer = self.call(method, path, body);
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.body);
        answer.json()["data"].take()
    }

    pub fn get(&self, path: &str) -> Value {
        self.done(200, "GET", path, Value::Null)
    }

    /// (status, code) of a call that has to be refused.
    pub fn refused(&self, method: &str, path: &str, body: Value) -> (u16, String) {
        let answer = self.call(method, path, body);
        let told = answer.json();
        assert_eq!(told["statusCode"], answer.status, "{told}");
        (answer.status, told["code"].as_str().unwrap_or_default().to_owned())
    }

    /// (id, whole key) of a new agent key.
    pub fn new_key(&self, environment: &str) -> (String, String) {
        let wish = json!({"name": "Main", "environment": environment, "kind": "agent"});
        let made = self.done(201, "POST", "api-keys", wish);
        let text = |field: &str| made[field].as_str().expect("a text").to_owned();
        assert_eq!(text("fullKey"), format!("{}.{}", text("publicKey"), text("secretKey")));
        (text("id"), text("fullKey"))
    }

    pub fn revoked(&self, id: &str) {
        let answer = self.done(200, "DELETE", &format!("api-keys/{id}"), Value::Null);
        assert_eq!(answer, json!({"id": id, "revoked": true}));
    }
}

/// A session of somebody who registered and has proved nothing yet, and the tenant; its sandbox is active.
pub fn newcomer<'a>(control: &'a str, email: &str) -> (Person<'a>, String) {
    let (jo, tenant, began) = entered(control, email);
    let contracts = jo.active_contracts();
    let took = began.elapsed();
    println!("figure: provisioning_ms = {}", took.as_millis());
    assert!(took < PROVISIONED_WITHIN, "{took:?}");
    assert!(contracts.len() == 1 && contracts[0]["tenantId"] == tenant, "{contracts:?}");
    assert_eq!(contracts[0]["environment"], "testnet");
    (jo, tenant)
}

/// As [`newcomer`], of whose sandbox nothing is known; and when the registration was sent.
pub fn entered<'a>(control: &'a str, email: &str) -> (Person<'a>, String, Instant) {
    let wish = json!({
        "email": email, "password": PASSWORD, "firstName": "Jo", "lastName": "Doe", "companyName": "Acme",
    });
    let began = Instant::now();
    let made = Person::nobody(control).done(201, "POST", "auth/register", wish);
    assert_eq!(made["isVerified"], false);
    let tenant = made["tenantId"].as_str().expect("an id").to_owned();
    (Person::signed_in(control, email, PASSWORD), tenant, began)
}

/// A session of somebody who registered, found the link in the mail and followed it, and the tenant; its sandbox is active.
pub fn registered<'a>(data: &Path, control: &'a str, email: &str) -> (Person<'a>, String) {
    let (jo, tenant) = newcomer(control, email);
    let early = jo.refused("POST", "contracts/provision", json!({"environment": "mainnet"}));
    assert_eq!(early, (403, "EMAIL_NOT_VERIFIED".to_owned()));

    let link = until("the mail comes", || link_to(&data.join("mail"), email));
    let path = link.strip_prefix(control).and_then(|path| path.strip_prefix("/dashboard/"));
    let path = path.unwrap_or_else(|| panic!("{link} leads elsewhere than {control}"));
    let wrong = Person::nobody(control).refused("GET", &format!("{path}x"), Value::Null);
    assert_eq!(wrong, (400, "TOKEN_INVALID".to_owned()));
    Person::nobody(control).done(200, "GET", path, Value::Null);
    let jo = Person::signed_in(control, email, PASSWORD);
    assert_eq!(jo.get("auth/me")["isVerified"], true);
    (jo, tenant)
}

/// The link in the mail to this address, if one is there.
pub fn link_to(mail: &Path, email: &str) -> Option<String> {
    let entries = std::fs::read_dir(mail).ok()?;
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let letters = paths.filter(|path| path.extension().is_some_and(|extension| extension == "eml"));
    let mut texts = letters.map(|path| std::fs::read_to_string(path).expect("a text"));
    let letter = texts.find(|text| text.contains(&format!("To: <{email}>\r\n")))?;
    letter.lines().find(|line| line.contains("?token=")).map(str::to_owned)
}
