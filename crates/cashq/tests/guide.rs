//! What the guide prints is what the golden files say.

#[test]
fn the_guide_prints_files() {
    testkit::guide::prints_files("docs/guide/cashq.md", 15);
}
