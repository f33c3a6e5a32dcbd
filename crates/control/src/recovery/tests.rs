//! How a code is written and read. What the doors do is in `control/tests/second_step.rs` and `control/tests/once.rs`.

use base::{Secret, SeededChance};

use super::state::{draw, typed, written};

#[test]
fn a_code_is_read_however_it_was_typed_and_only_whole() {
    let code = draw(&SeededChance::new(5));
    let shown = written(&code);
    assert_eq!((shown.len(), shown.replace('-', "")), (14, code.clone()));
    let read = |text: &str| typed(&Secret::new(text.to_owned())).map(|code| code.expose().clone());
    for text in [&shown, &code, &shown.to_lowercase(), &shown.replace('-', " "), &format!(" {shown} ")] {
        assert_eq!(read(text).as_ref(), Some(&code), "{text}");
    }
    for text in ["", &shown[..13], &format!("{shown}A"), "0000-0000-0000", "ÄBCD-EFGH-IJKL", "ABCD_EFGH_IJKL"] {
        assert_eq!(read(text), None, "{text}");
    }
}
