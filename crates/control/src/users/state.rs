//! What an address, a name and a password may be.

use base::{Secret, Span};

use crate::throttle::Throttled;

/// Why a user was not made or changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("too many tries; wait and try again")]
    Throttled { retry_after: Span },
    #[error("email: give an address such as jo@example.com")]
    EmailUnusable,
    #[error("password: give 8 to 128 characters that are hard to guess")]
    PasswordUnusable,
    #[error("{field}: give 1 to 100 characters, none of them a control character")]
    NameUnusable { field: NameField },
    #[error("the link is not valid any more; ask for another")]
    TokenInvalid,
    #[error("the password is wrong")]
    WrongPassword,
    #[error("the environment is not active")]
    NotActive,
}

impl From<Throttled> for Refusal {
    fn from(throttled: Throttled) -> Refusal {
        Refusal::Throttled { retry_after: throttled.retry_after }
    }
}

/// Which name cannot be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameField {
    First,
    Last,
    Company,
}

impl std::fmt::Display for NameField {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            NameField::First => "first name",
            NameField::Last => "last name",
            NameField::Company => "company name",
        })
    }
}

/// An address as it is compared, in lower case; `None` where it is no address. Only what goes into a mail's header without
/// quoting is one.
pub(crate) fn email_key(email: &str) -> Option<String> {
    let (local, domain) = email.split_once('@')?;
    let usable = email.len() <= EMAIL_BYTES_MOST && is_local(local) && is_domain(domain);
    usable.then(|| email.to_ascii_lowercase())
}

const EMAIL_BYTES_MOST: usize = 254;

fn is_local(local: &str) -> bool {
    let sign = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte);
    local.len() <= 64 && local.split('.').all(|part| !part.is_empty() && part.bytes().all(sign))
}

fn is_domain(domain: &str) -> bool {
    let sign = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    let label = |part: &str| {
        (1..=63).contains(&part.len()) && part.bytes().all(sign) && !part.starts_with('-') && !part.ends_with('-')
    };
    let named = domain.rsplit('.').next().is_some_and(|last| !last.bytes().all(|byte| byte.is_ascii_digit()));
    domain.contains('.') && domain.split('.').all(label) && named
}

const NAME_CHARACTERS_MOST: usize = 100;

/// Names, in the order in which they are refused.
pub(super) fn check_names(first: &str, last: &str, company: &str) -> Result<(), Refusal> {
    let shown = |name: &str| {
        !name.trim().is_empty() && !name.chars().any(char::is_control) && name.chars().count() <= NAME_CHARACTERS_MOST
    };
    for (field, name) in [(NameField::First, first), (NameField::Last, last), (NameField::Company, company)] {
        if !shown(name) {
            return Err(Refusal::NameUnusable { field });
        }
    }
    Ok(())
}

/// A password that may be chosen. `email` is the address that it must not be.
pub(super) fn check_password(password: &Secret<String>, email: Option<&str>) -> Result<(), Refusal> {
    let text = password.expose();
    let fits = (8..=128).contains(&text.chars().count()) && !text.chars().any(char::is_control);
    let common = || COMMON.split_whitespace().any(|word| word.eq_ignore_ascii_case(text));
    let its_address = || email.is_some_and(|email| email.eq_ignore_ascii_case(text));
    if fits && !common() && !its_address() { Ok(()) } else { Err(Refusal::PasswordUnusable) }
}

/// Passwords that everybody tries first.
const COMMON: &str = "\
    12345678 123456789 1234567890 12345678910 123123123 1234512345 987654321 9876543210 0987654321 0123456789 01234567 \
    11111111 111111111 1111111111 22222222 33333333 44444444 55555555 66666666 77777777 88888888 99999999 00000000 \
    000000000 0000000000 11223344 1122334455 112233445566 12341234 12344321 123321123 123454321 123654789 147258369 \
    741852963 789456123 159753456 12qwaszx 1q2w3e4r 1q2w3e4r5t 1q2w3e4r5t6y 1qaz2wsx 1qaz2wsx3edc 1qazxsw2 q1w2e3r4 \
    q1w2e3r4t5 q1w2e3r4t5y6 qwertyui qwertyuiop qwerty12 qwerty123 qwerty1234 qwerty12345 qwerty123456 123qweasd \
    123qweasdzxc qazwsxedc qazwsx123 asdfghjk asdfghjkl asdfasdf asdf1234 asdf1234! zxcvbnm1 zxcvbnm123 zaq12wsx zaq1zaq1 \
    zaq1xsw2 azertyuiop qweasdzxc qweqweqwe poiuytrewq 1234qwer 12345qwert 123456qwerty 1234asdf abcd1234 abcd12345 \
    abcdefgh abcdefghi abc12345 abc123456 abc123abc a1b2c3d4 a1b2c3d4e5 aa123456 aaa11111 a1234567 a12345678 a123456789 \
    aaaaaaaa aaaaaaaaaa asdasdasd 1a2b3c4d password passw0rd p@ssw0rd p@ssword pa55word pa$$w0rd password! password1 \
    password1! password2 password3 password12 password123 password123! password1234 password12345 passw0rd1 p@ssw0rd1 \
    p@ssw0rd123 passwort passwort1 motdepasse contrasena senha123 mypassword newpassword changeme changeme1 changeme123 \
    changeit letmein1 letmein123 welcome1 welcome12 welcome123 welcome2024 welcome2025 welcome2026 administrator admin123 \
    admin1234 admin12345 adminadmin admin@123 administrator1 rootroot root1234 toortoor test1234 test12345 testtest \
    testing1 testing123 guest123 guestguest user1234 default1 secret123 mysecret access14 trustno1 iloveyou iloveyou1 \
    iloveyou2 iloveyou123 iloveu123 ilovehim iloveher princess princess1 sunshine sunshine1 football football1 baseball \
    baseball1 basketball superman superman1 batman123 spiderman pokemon1 pokemon123 starwars starwars1 dragon123 monkey123 \
    master123 shadow123 michael1 jennifer jessica1 charlie1 samantha elizabeth victoria alexander christian jonathan \
    computer internet internet1 samsung1 samsung123 google123 facebook facebook1 linkedin whatever whatever1 liverpool \
    liverpool1 barcelona realmadrid manchester arsenal123 chelsea123 juventus chocolate cheesecake butterfly \
    blink182 metallica nirvana1 mustang1 corvette mercedes midnight lovelove loveyou1 lovely123 forever1 friendship \
    freedom1 november december september summer2024 summer2025 winter2024 winter2025 spring2025 autumn2025 Company1 \
    company123 business1 hello123 hello1234 hellohello helloworld goodluck happy123 killer123 jordan23 jordan123 \
    babygirl babygirl1 gwerty123 q2w3e4r5 6yhn7ujm 1qaz!QAZ !QAZ2wsx Passw0rd! P@ssw0rd! P@$$w0rd Qwerty1! Qwerty123! \
    Abcd1234! Abc12345! Welcome1! Welcome123! Admin123! Admin@123 Test1234! Test@123 Hello123! Summer2025! Winter2025!";
