//! What a person holds: an authenticator app, and an authenticator with its browser, which makes passkeys and answers
//! for them in the browser's JSON. It writes its bytes by the standard and not by how we read them, and misbehaves as
//! told.

use base::mac::sha256;
use data_encoding::{BASE32_NOPAD, BASE64, BASE64_MIME, BASE64URL_NOPAD};
use ring::rand::SystemRandom;
use ring::rsa::PublicKeyComponents;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use serde_json::{Value, json};

/// An authenticator that is the same each time, and how it behaves.
pub struct Authenticator {
    key: Key,
    /// What it calls its one credential.
    pub id: Vec<u8>,
    /// Where its browser is.
    pub origin: String,
    /// Another site than the one that asks.
    pub rp_id: Option<String>,
    /// Whether the user touched it, and showed who he is.
    pub present: bool,
    pub verified: bool,
    /// Counts up before each answer, unless it is 0: then it does not count.
    pub counter: u32,
    /// Whether the page stands in a frame of another site's.
    pub framed: bool,
    /// Bytes of extensions, as some authenticators send them unasked.
    pub extensions: Vec<u8>,
}

enum Key {
    Es256(Box<EcdsaKeyPair>),
    Rs256(Box<RsaKeyPair>),
}

/// PKCS #8, for tests alone.
const ES256: &str = "\
    MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgaOUb7EKkf0OQTNtUFFRJmpAQCQm+2ifdGBqJ37QqpRmhRANCAASBtzEuJNHx\
    QX6UyG+UplyrkW9yFnPf/heDQU5qFXPo11asrfbMrtiPDgn/hzEeuPsdbscohB/K4v4YjEHMZP1d";
const RS256: &str = include_str!("rs256.base64");

const PRESENT: u8 = 0x01;
const VERIFIED: u8 = 0x04;
const CREDENTIAL: u8 = 0x40;
const EXTENSIONS: u8 = 0x80;

impl Authenticator {
    /// With a key on P-256.
    pub fn es256(origin: &str) -> Authenticator {
        let key = BASE64.decode(ES256.as_bytes()).expect("base64");
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &key, &SystemRandom::new()).expect("a key");
        Authenticator::with(Key::Es256(Box::new(key)), origin)
    }

    /// With an RSA key of 2048 bits.
    pub fn rs256(origin: &str) -> Authenticator {
        let key = BASE64_MIME.decode(RS256.as_bytes()).expect("base64");
        Authenticator::with(Key::Rs256(Box::new(RsaKeyPair::from_pkcs8(&key).expect("a key"))), origin)
    }

    fn with(key: Key, origin: &str) -> Authenticator {
        let (id, origin) = (sha256(&[b"credential"]).to_vec(), origin.to_owned());
        let (rp_id, extensions) = (None, vec![]);
        Authenticator { key, id, origin, rp_id, present: true, verified: true, counter: 0, framed: false, extensions }
    }

    /// What `navigator.credentials.create` leads to.
    pub fn create(&mut self, options: &Value) -> Value {
        let (id, key) = (self.id.clone(), self.cose());
        let length = u16::try_from(id.len()).expect("a short id").to_be_bytes();
        let credential = [&[0; 16][..], &length, &id, &key].concat();
        let data = self.data(options["rp"]["id"].as_str().expect("an rp id"), CREDENTIAL, &credential);
        let said = self.client_data("webauthn.create", options);
        // {"fmt": "none", "attStmt": {}, "authData": …}
        let size = u16::try_from(data.len()).expect("short data").to_be_bytes();
        let attestation = [b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x59", &size[..], &data].concat();
        self.credential(json!({
            "clientDataJSON": text(&said), "authenticatorData": text(&data), "attestationObject": text(&attestation),
            "transports": ["internal"],
        }))
    }

    /// What `navigator.credentials.get` leads to.
    pub fn get(&mut self, options: &Value) -> Value {
        let data = self.data(options["rpId"].as_str().expect("an rp id"), 0, &[]);
        let said = self.client_data("webauthn.get", options);
        let signature = self.signed(&[&data[..], &sha256(&[&said])].concat());
        self.credential(json!({
            "clientDataJSON": text(&said), "authenticatorData": text(&data), "signature": text(&signature),
            "userHandle": null,
        }))
    }

    fn credential(&self, response: Value) -> Value {
        json!({
            "id": text(&self.id), "rawId": text(&self.id), "type": "public-key", "authenticatorAttachment": "platform",
            "clientExtensionResults": {}, "response": response,
        })
    }

    fn client_data(&self, kind: &str, options: &Value) -> Vec<u8> {
        let challenge = options["challenge"].as_str().expect("a challenge");
        let said = json!({
            "type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": self.framed, "more": [1],
        });
        said.to_string().into_bytes()
    }

    fn data(&mut self, asked: &str, flags: u8, credential: &[u8]) -> Vec<u8> {
        self.counter += u32::from(self.counter > 0);
        let rp_id = self.rp_id.as_deref().unwrap_or(asked);
        let set = |on: bool, flag: u8| if on { flag } else { 0 };
        let extended = set(!self.extensions.is_empty(), EXTENSIONS);
        let flags = flags | set(self.present, PRESENT) | set(self.verified, VERIFIED) | extended;
        let hash = sha256(&[rp_id.as_bytes()]);
        [&hash[..], &[flags], &self.counter.to_be_bytes(), credential, &self.extensions].concat()
    }

    fn cose(&self) -> Vec<u8> {
        match &self.key {
            Key::Es256(pair) => {
                let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
                [b"\xa5\x01\x02\x03\x26\x20\x01\x21\x58\x20", x, b"\x22\x58\x20", y].concat()
            }
            Key::Rs256(pair) => {
                let PublicKeyComponents { n, e } = PublicKeyComponents::<Vec<u8>>::from(pair.public());
                [b"\xa4\x01\x03\x03\x39\x01\x00\x20\x59\x01\x00", &n[..], b"\x21\x43", &e].concat()
            }
        }
    }

    fn signed(&self, said: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match &self.key {
            Key::Es256(pair) => pair.sign(&random, said).expect("a signature").as_ref().to_vec(),
            Key::Rs256(pair) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, said, &mut signature).expect("a signature");
                signature
            }
        }
    }
}

/// The code that an app shows at this time for a seed in base32.
pub fn code(seed: &str, unix_seconds: i64) -> String {
    use ring::hmac::{HMAC_SHA1_FOR_LEGACY_USE_ONLY, Key, sign};
    let seed = BASE32_NOPAD.decode(seed.as_bytes()).expect("base32");
    let tag = sign(&Key::new(HMAC_SHA1_FOR_LEGACY_USE_ONLY, &seed), &(unix_seconds / 30).to_be_bytes());
    let (tag, at) = (tag.as_ref(), usize::from(tag.as_ref()[19] & 0xf));
    let number = u32::from_be_bytes([tag[at] & 0x7f, tag[at + 1], tag[at + 2], tag[at + 3]]);
    format!("{:06}", number % 1_000_000)
}

fn text(bytes: &[u8]) -> String {
    BASE64URL_NOPAD.encode(bytes)
}
